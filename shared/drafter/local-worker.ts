import { DraftRunner } from './draft-runner.ts'
import type { Assignment, DraftSession, DraftSink, DraftWorker } from './draft-worker.ts'
import type { Drafter } from './drafter.ts'

/** A drafter in the Oracle's own process behind the same interface as a Scout: the honest baseline. */
export class LocalWorker implements DraftWorker {
  readonly id: string
  readonly origin = 'local'
  readonly own = true
  readonly model: string
  readonly speed = 0
  readonly capacity: number
  readonly #drafter: Drafter

  constructor(drafter: Drafter, name: string = drafter.model) {
    this.id = `local:${name}`
    this.model = drafter.model
    this.capacity = drafter.capacity
    this.#drafter = drafter
  }

  assign(assignment: Assignment, sink: DraftSink): DraftSession {
    let runner: DraftRunner | null = null
    let over = false
    /** Verified frames that came while the sequence was being opened. */
    const early: Parameters<DraftSession['verified']>[0][] = []

    const run = async () => {
      const sequence = await this.#drafter.open(assignment)
      if (over) return sequence.close()
      const outlet = { ready: true, send: (frame: Parameters<DraftSink['draft']>[0]) => sink.draft(frame) }
      // Where the draft model's context ends before the request does, it falls silent there.
      const endPosition = Math.min(assignment.endPosition, this.#drafter.contextLength)
      runner = new DraftRunner({ ...assignment, endPosition }, sequence, outlet)
      for (const frame of early) runner.verified(frame)
      await runner.run()
    }
    const fail = (error: unknown) => {
      if (!over) sink.closed(error instanceof Error ? error.message : String(error), false)
      over = true
      runner?.stop()
    }
    run().catch(fail)

    return {
      verified(frame) {
        if (over) return
        if (!runner) {
          early.push(frame)
          return
        }
        try {
          runner.verified(frame)
        } catch (error) {
          fail(error)
        }
      },
      done() {
        over = true
        runner?.stop()
      },
    }
  }
}

import type { DraftFrame, DraftSink, DraftWorker } from '../../shared/drafter/draft-worker.ts'

/** How frames of a real drafter are bent on their way: sends what it likes, when it likes. */
export type Bend = (frame: DraftFrame, sink: DraftSink) => void

/** A drafter whose frames pass through `bend`; it counts as a Scout. */
export function bentWorker(worker: DraftWorker, id: string, bend: Bend): DraftWorker {
  return {
    id,
    origin: 'scout',
    own: true,
    model: worker.model,
    speed: worker.speed,
    capacity: worker.capacity,
    assign: (assignment, sink) =>
      worker.assign(assignment, {
        draft: (frame) => bend(frame, sink),
        closed: (reason, fault) => sink.closed(reason, fault),
      }),
  }
}

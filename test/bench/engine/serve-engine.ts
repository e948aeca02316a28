import type { EngineReply, EngineRequest } from './engine-messages.ts'
import { residentMemory } from './resident-memory.ts'
import type { LoadOptions, TimedEngine } from './timed-engine.ts'

/** Makes this process, which was forked, answer the bench's calls. It ends with its parent. */
export function serveEngine(load: (options: LoadOptions) => Promise<TimedEngine>): void {
  const before = residentMemory()
  let engine: TimedEngine | null = null
  const loaded = () => {
    if (engine === null) throw new Error('nothing is loaded')
    return engine
  }
  const answer = async ({ call, ask }: EngineRequest): Promise<unknown> => {
    switch (call) {
      case 'load':
        engine = await load(ask as LoadOptions)
        return engine.facts
      case 'prompt': {
        const { tokens } = ask as { tokens: number }
        return { ms: await loaded().prompt(tokens) }
      }
      case 'pass':
        return { ms: await loaded().pass((ask as { rows: number }).rows) }
      case 'memory': {
        const now = residentMemory()
        return now && before && { now, before }
      }
    }
  }
  process.on('message', async (request: EngineRequest) => {
    const reply: EngineReply = await answer(request).then(
      (answer) => ({ answer }),
      (error: Error) => ({ error: error.message }),
    )
    process.send!(reply)
  })
  process.on('disconnect', () => process.exit())
}

// A Scout of the product's own code with a drafter that replays; its parent says, message by message, for whom it drafts
// and how well. Arguments: its home.
import pino from 'pino'
import { runScout } from '../../../native-host/scout/run-scout.ts'
import { type ReplayOptions, recordingDrafter, replayDrafter } from './replay-drafter.ts'

/** What the parent says: draft (or, without `replay`, listen and write down what the target says), or leave. */
export type ScoutOrder =
  | {
      readonly order: 'join'
      readonly oracle: string
      readonly tokenizerHash: string
      readonly replay: ReplayOptions
    }
  | {
      readonly order: 'record'
      readonly oracle: string
      readonly tokenizerHash: string
      readonly vocabSize: number
      readonly transcripts: string
    }
  | { readonly order: 'leave' }

const [home] = process.argv.slice(2)
if (home === undefined || process.send === undefined) throw new Error('started by the benchmark alone')
const log = pino(
  { level: process.env.SHARD_BENCH_LOG ?? 'silent' },
  pino.destination({ dest: 2, sync: true }),
)
let leave = new AbortController()
let running: Promise<void> = Promise.resolve()

process.on('message', (message: ScoutOrder) => {
  leave.abort()
  running = running.then(() => obey(message))
})
process.on('disconnect', () => process.exit(0))

async function obey(order: ScoutOrder): Promise<void> {
  if (order.order === 'leave') {
    process.send!('left')
    return
  }
  const { oracle, tokenizerHash } = order
  const drafter =
    order.order === 'join'
      ? replayDrafter(order.replay)
      : recordingDrafter('recorder', order.vocabSize, order.transcripts)
  leave = new AbortController()
  const { capacity } = drafter
  const options = { home: home!, oracles: [oracle], drafter: { ...drafter, tokenizerHash }, capacity, log }
  running = runScout({ ...options, serve: 'listed' }, leave.signal)
}

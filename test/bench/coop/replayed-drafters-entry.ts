// Takes the place of native-host/daemon/local-drafters.ts in the benchmark's Oracle (`oracle-build.ts`): the product's own
// local drafter with a draft model that replays. Whoever benchmarks says, over a socket, when it drafts and how well.
import { once } from 'node:events'
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import type { LocalDrafters } from '../../../native-host/daemon/local-drafters.ts'
import type { DraftWorker } from '../../../shared/drafter/draft-worker.ts'
import { LocalWorker } from '../../../shared/drafter/local-worker.ts'
import type { LocalOrder } from './local-drafter.ts'
import { Processor } from './processor.ts'
import { replayDrafter } from './replay-drafter.ts'

export async function startLocalDrafters(): Promise<LocalDrafters> {
  const path = process.env.SHARD_BENCH_LOCAL
  if (path === undefined) throw new Error('started by the benchmark alone')
  const socket = connect(path)
  await once(socket, 'connect')
  const processor = new Processor()
  const listeners = new Set<() => void>()
  let workers: readonly DraftWorker[] = []
  createInterface(socket).on('line', (line) => {
    const order = JSON.parse(line) as LocalOrder
    workers =
      order.order === 'leave'
        ? []
        : [
            new LocalWorker(
              replayDrafter(order.replay, (ms) => processor.compute(ms)),
              order.replay.model,
            ),
          ]
    for (const listener of listeners) listener()
    socket.write('done\n')
  })
  return {
    pool: {
      workers: () => workers,
      onChange(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      },
      recruit() {},
    },
    names: [],
    async stop() {
      socket.destroy()
      processor.stop()
    },
  }
}

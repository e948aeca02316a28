// An Oracle's mesh in a process of its own, told what to do by messages (IPC) of its parent: a test.
import pino from 'pino'
import { OracleMesh } from '../../../native-host/mesh/oracle-mesh.ts'
import type { DraftFrame, DraftSession, DraftWorker } from '../../../shared/drafter/draft-worker.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { TOY_VOCAB, toyText } from '../toy-engine.ts'
import type { OracleCommand, OracleEvent, OracleStart } from './messages.ts'

const say = (event: OracleEvent) => process.send?.(event)
const start = JSON.parse(process.argv[2] ?? '') as OracleStart
const log = pino({ level: start.logLevel ?? 'warn' }, pino.destination(2))

const mesh = await OracleMesh.start({
  directory: start.directory,
  listen: start.listen,
  scope: start.scope,
  paired: start.paired,
  bootstrap: start.bootstrap ?? [],
  relays: start.relays ?? [],
  mdns: false,
  log,
  events: {
    fault: (peerId, code) => say({ type: 'fault', peerId, code }),
    refused: (peerId, reason) => say({ type: 'refused', peerId, reason }),
    left: (worker, reason) => say({ type: 'left', peerId: worker.id, reason }),
    rejected: (topic, peerId) => say({ type: 'rejected', topic, peerId }),
    offered: () => say({ type: 'offered' }),
  },
})
const pool = mesh.poolFor(start.tokenizerHash)
const target = {
  model: 'toy',
  draftModel: 'toy',
  tokenizerHash: start.tokenizerHash,
  vocabSize: TOY_VOCAB,
}
if (!start.notReady) mesh.setTargets([target])
pool.onChange(() => say({ type: 'workers', ids: pool.workers().map(({ id }) => id) }))

/** Plays the Oracle's core for one assignment: verifies against the toy's text whatever is drafted, paced by drafts. */
async function generate(command: Extract<OracleCommand, { type: 'generate' }>): Promise<void> {
  const { id, prompt, tokens, key, window } = command
  const truth = [...prompt, ...toyText(prompt, key, tokens)]
  const worker = pool.workers().find((one: DraftWorker) => one.id === command.worker)
  if (!worker) {
    say({
      type: 'generated',
      id,
      drafted: 0,
      accepted: 0,
      frames: 0,
      closed: { reason: 'no worker', fault: false },
    })
    return
  }
  let known = prompt.length
  let epoch = 0
  let drafted = 0
  let accepted = 0
  let frames = 0
  let over = false
  const started = performance.now()
  const finish = (closed: { reason: string; fault: boolean } | null) => {
    if (over) return
    over = true
    session.done('finished', { drafted, accepted, seconds: (performance.now() - started) / 1000 })
    say({ type: 'generated', id, drafted, accepted, frames, closed })
  }
  const session: DraftSession = worker.assign(
    {
      id,
      context: prompt,
      promptLength: prompt.length,
      settings: GREEDY,
      key,
      window,
      endPosition: truth.length,
      stopTokens: [],
    },
    {
      draft(frame: DraftFrame) {
        frames++
        if (frames === 1) say({ type: 'drafting', id })
        // What lies at or past `known` is tested; the rest is late.
        const from = Math.max(frame.position, known)
        const fresh = frame.tokens.slice(from - frame.position)
        if (from > known || fresh.length === 0) return
        let agreed = 0
        while (agreed < fresh.length && fresh[agreed] === truth[known + agreed]) agreed++
        drafted += Math.min(fresh.length, agreed + 1)
        accepted += agreed
        const end = Math.min(truth.length, known + agreed + 1)
        session.verified({ epoch: ++epoch, position: known, tokens: truth.slice(known, end) })
        known = end
        if (known >= truth.length) finish(null)
      },
      closed: (reason, fault) => finish({ reason, fault }),
    },
  )
}

/** Verified upon Verified, as a fast Oracle would send them, whether the worker reads or not. */
async function pour({ worker: id, tokens }: Extract<OracleCommand, { type: 'pour' }>): Promise<void> {
  const worker = pool.workers().find((one) => one.id === id) as DraftWorker
  let closed: { reason: string; fault: boolean } | null = null
  const context = new Array<number>(tokens).fill(1)
  const task = {
    context,
    promptLength: 1,
    settings: GREEDY,
    key: { lo: 0, hi: 0 },
    window: 4,
    stopTokens: [],
  }
  const sink = {
    draft() {},
    // The link takes only so many assignments at once; that is not its end.
    closed(reason: string, fault: boolean) {
      if (reason !== 'slow') closed ??= { reason, fault }
    },
  }
  const sessions = Array.from({ length: worker.capacity }, (_, i) =>
    worker.assign({ ...task, id: 1000 + i, endPosition: 131_072 }, sink),
  )
  for (let epoch = 1, position = tokens; closed === null && position < 131_000; epoch++, position += 8) {
    for (const session of sessions)
      session.verified({ epoch, position, tokens: new Array<number>(8).fill(1) })
    await new Promise((resolve) => setImmediate(resolve))
  }
  const ended: { reason: string; fault: boolean } = closed ?? { reason: 'never closed', fault: false }
  say({ type: 'poured', ...ended, rssMib: process.memoryUsage.rss() / 2 ** 20 })
}

process.on('message', (command: OracleCommand) => {
  switch (command.type) {
    case 'generate':
      void generate(command)
      return
    case 'pour':
      void pour(command)
      return
    case 'recruit':
      pool.recruit({ wanted: 1, scope: command.scope, contextLength: 256, expectedTokens: 64 })
      return
    case 'ready':
      mesh.setTargets([target])
      return
    case 'peers':
      say({ type: 'peers', peers: mesh.peers() })
      return
    case 'stop':
      void mesh.stop().then(() => process.exit(0))
  }
})
process.on('disconnect', () => process.exit(0))

say({ type: 'ready', peerId: mesh.peerId, addresses: mesh.topology().addresses })

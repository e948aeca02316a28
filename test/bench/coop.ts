/**
 * npm run bench:coop [-- --json]: what cooperation is worth. A real Oracle on one core, Scouts as processes of their own
 * behind real links (network namespaces), on the other cores. The Scouts replay what the target is known to say under
 * the same seed, and spoil each token with probability 1 − α. Build first (`npm run build`). Needs Linux and root.
 *
 *   --shape embedded,2b,8b   targets: random weights of published shapes, or the embedded pair's with a pace of 60 ms
 *   --alpha 0.6,0.8,0.9      chance that a Scout's token is right
 *   --rtt 0,20,50,100        round trip, in ms; with 5 % jitter and 1 % loss each way where it is not 0
 *   --users 1,4,16           requests at once
 *   --speed 10,3             tokens that a Scout drafts while the Oracle makes one
 *   --modes alone,local,scouts-1,scouts-4
 *   --rounds 3 --tokens 64   interleaved rounds that count, tokens of an answer
 *   --svg FILE               a chart of all cells
 *   --serve "FLAGS"          more flags of the Oracle
 *   --verbose                what the Oracle measured of its passes, to stderr
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Cell, MODES, type Mode, settingsOf } from './coop/cells.ts'
import { chart } from './coop/chart.ts'
import { Cooperation } from './coop/cooperation.ts'
import { linkKind } from './coop/link.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    shape: { type: 'string', default: 'embedded' },
    alpha: { type: 'string', default: '0.6,0.8,0.9' },
    rtt: { type: 'string', default: '0,50' },
    users: { type: 'string', default: '1,4' },
    speed: { type: 'string', default: '10' },
    modes: { type: 'string', default: MODES.join() },
    rounds: { type: 'string', default: '3' },
    tokens: { type: 'string', default: '64' },
    svg: { type: 'string' },
    serve: { type: 'string', default: '' },
    verbose: { type: 'boolean', default: false },
  },
})
const numbers = (text: string) => text.split(',').map(Number)
const modes = values.modes.split(',').map((name) => {
  const mode = MODES.find((known) => known === name)
  if (mode === undefined) throw new Error(`unknown mode ${name}: ${MODES.join(', ')}`)
  return mode
})
/** Everything is told against it. */
const measured: readonly Mode[] = ['alone', ...modes.filter((mode) => mode !== 'alone')]

const links = linkKind()
if (typeof links !== 'string') {
  process.stderr.write(`bench:coop is skipped: ${links.missing}\n`)
  process.exit(0)
}
const processors = availableParallelism()
if (processors < 2) {
  process.stderr.write('bench:coop is skipped: the Oracle needs a core of its own\n')
  process.exit(0)
}
const cores = { oracle: '0', others: processors > 2 ? `1-${processors - 1}` : '1' }
execFileSync('taskset', ['-cp', cores.others, String(process.pid)], { stdio: 'ignore' })
process.stderr.write(`links: ${links === 'netem' ? 'tc netem' : 'a process of ours (this kernel has no netem)'}\n`)

const cells: Cell[] = []
const settings = settingsOf({
  alphas: numbers(values.alpha),
  rtts: numbers(values.rtt),
  users: numbers(values.users),
  speeds: numbers(values.speed),
})
for (const shape of values.shape.split(',')) {
  const folder = mkdtempSync(join(tmpdir(), 'shard-coop-'))
  try {
    const paced = shape === 'embedded' ? ['--engine-pace-ms', '60'] : []
    await using cooperation = await Cooperation.start({
      ...{ shape, folder, links, cores, model: 'embedded' },
      transcripts: join(folder, 'transcripts.json'),
      mostUsers: Math.max(...settings.map(({ users }) => users)),
      maxTokens: Number(values.tokens),
      rounds: Number(values.rounds),
      flags: [...paced, ...values.serve.split(' ').filter((flag) => flag !== '')],
    })
    for (const setting of settings) {
      const group = await cooperation.measure(setting, measured)
      cells.push(...group)
      for (const cell of group) print(cell)
      if (values.verbose) process.stderr.write(`${JSON.stringify(await cooperation.passMs())}\n`)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
if (values.svg !== undefined) writeFileSync(values.svg, chart(cells))

function print(cell: Cell): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(cell)}\n`)
    return
  }
  const { shape, mode, alpha, rtt_ms, users, speed } = cell
  const words = [
    shape.padEnd(9),
    `${users} user${users === 1 ? ' ' : 's'}`.padEnd(9),
    `RTT ${rtt_ms}`.padEnd(8),
    `α ${alpha}`.padEnd(6),
    `×${speed}`.padEnd(4),
    mode.padEnd(9),
    `${cell.tokens_per_s.toFixed(2)} tokens/s`.padStart(17),
    `${cell.over_alone.toFixed(2)}×`.padStart(7),
    `drafted ${(100 * cell.drafted_share).toFixed(0)} %`.padStart(14),
    cell.not_needed > 0 ? 'not needed' : '',
  ]
  process.stdout.write(`${words.join(' ')}\n`)
}

/**
 * npm run bench:coop [-- --json]: what cooperation is worth. A real Oracle on one core; Scouts as processes of their own
 * on the other cores, behind real links (network namespaces). The Scouts replay what the target is known to say under the
 * same seed, and spoil each token with probability 1 − α. Build first (`npm run build`). Needs Linux and root.
 *
 *   --shape embedded,2b,8b   targets: the embedded pair's at a pace of 60 ms, or random weights of published shapes
 *   --alpha 0.6,0.9          chance that a Scout's token is right
 *   --rtt 0,50               round trip in ms; where it is not 0, with 5 % jitter and --loss (0.01) each way
 *   --users 1,4              requests at once
 *   --speed 10               tokens that a Scout drafts while the Oracle makes one
 *   --modes alone,local,scouts-1,scouts-4
 *   --rounds 3 --tokens 64   interleaved rounds that count, tokens of an answer
 *   --results FILE           keeps what is measured, round by round; a run with the same file goes on from there
 *   --minutes N              begins nothing that would end later
 *   --svg FILE               a chart of all cells, those in FILE of earlier runs as well
 *   --serve "FLAGS"          more flags of the Oracle
 *   --verbose                what the Oracle measured of its passes, on stderr
 *
 * The whole matrix takes hours:
 *   --shape 2b,8b --alpha 0.6,0.8,0.9 --rtt 0,20,50,100 --users 1,4,16 --speed 10,3 --rounds 7
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cellLine } from './coop/cell-line.ts'
import type { Cell, Setting } from './coop/cells.ts'
import { chart } from './coop/chart.ts'
import { Cooperation } from './coop/cooperation.ts'
import { type Cores, sharedOut } from './coop/cores.ts'
import { Deadline } from './coop/deadline.ts'
import { type LinkKind, linkKind } from './coop/link.ts'
import { type CoopOptions, EMBEDDED, parseOptions } from './coop/options.ts'
import { Results } from './coop/results.ts'
import { servedShape } from './coop/served-shape.ts'
import { transcriptPath } from './coop/transcript.ts'
import { runMain } from './engine/arguments.ts'
import { shapeFileWithProgress } from './engine/shape-progress.ts'

/** Of a pass with the embedded target. */
const PACE_MS = 60

// Ends by the way of all exits, where Oracles are ended as well.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

await runMain(async () => {
  const options = parseOptions(process.argv.slice(2))
  const links = linkKind()
  const cores = typeof links === 'string' ? sharedOut() : null
  if (cores === null) {
    const missing = typeof links === 'string' ? 'it needs two cores' : links.missing
    process.stderr.write(`bench:coop is skipped: ${missing}\n`)
    return
  }
  execFileSync('taskset', ['-cp', cores.others, String(process.pid)], { stdio: 'ignore' })
  const how = links === 'netem' ? 'tc netem' : 'a process of ours (this kernel has no netem)'
  process.stderr.write(`links: ${how}\n`)
  const results = new Results(options.results)
  const deadline = new Deadline(options.minutes)
  let complete = true
  const bench = { links: links as LinkKind, cores, results, deadline }
  for (const shape of options.shapes) {
    // What the Oracle has learned of its passes while a drafter used its core says nothing of passes with Scouts.
    for (const settings of [options.settings.scouts, options.settings.local])
      complete &&= settings.length === 0 || (await measureShape(shape, settings, options, bench))
  }
  if (options.svg !== null) writeFileSync(options.svg, chart(results.cells))
  if (!complete) process.stderr.write('the time is over; the same command with --results goes on from here\n')
})

interface Bench {
  readonly links: LinkKind
  readonly cores: Cores
  readonly results: Results
  readonly deadline: Deadline
}

/** With an Oracle of their own. Returns false when the time was over before the end. */
async function measureShape(
  shape: CoopOptions['shapes'][number],
  settings: readonly Setting[],
  { tokens, rounds, loss, serve, json, verbose }: CoopOptions,
  { links, cores, results, deadline }: Bench,
): Promise<boolean> {
  const paced = shape === EMBEDDED ? ['--engine-pace-ms', String(PACE_MS)] : []
  const folder = mkdtempSync(join(tmpdir(), 'shard-coop-'))
  try {
    const model =
      shape === EMBEDDED
        ? EMBEDDED
        : await servedShape(await shapeFileWithProgress({ shape, seed: 1 }), shape, join(folder, 'model'))
    await using cooperation = await Cooperation.start({
      ...{ shape, folder, links, cores, model, rounds, loss },
      transcripts: transcriptPath(shape, tokens),
      mostUsers: Math.max(...settings.map(({ users }) => users)),
      maxTokens: tokens,
      flags: [...paced, ...serve],
    })
    for (const setting of settings) {
      const complete = await cooperation.measure(setting, results, deadline)
      for (const cell of results.cells.filter((one) => one.shape === shape && belongsTo(one, setting)))
        process.stdout.write(`${json ? JSON.stringify(cell) : cellLine(cell)}\n`)
      if (verbose) process.stderr.write(`passes: ${JSON.stringify(await cooperation.passMs())}\n`)
      if (!complete) return false
    }
    return true
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function belongsTo(cell: Cell, { users, rttMs, speed, alphas, modes }: Setting): boolean {
  if (cell.users !== users || cell.rtt_ms !== rttMs || cell.speed !== speed) return false
  return alphas.includes(cell.alpha) && modes.includes(cell.mode)
}

/**
 * npm run bench:coop [-- --json]: what cooperation is worth. A real Oracle on one core; Scouts as processes of their own
 * on the other cores, behind real links (network namespaces). The Scouts replay what the target is known to say under the
 * same seed, and spoil each token with probability 1 − α. Build first (`npm run build`). Needs Linux and root.
 *
 *   --shape embedded,2b,8b   targets: the embedded pair's at a pace of 60 ms, or random weights of published shapes
 *   --alpha 0.6,0.9          chance that a Scout's token is right
 *   --rtt 0,50               round trip in ms; where it is not 0, with 5 % jitter and 1 % loss each way
 *   --users 1,4              requests at once
 *   --speed 10               tokens that a Scout drafts while the Oracle makes one
 *   --modes alone,local,scouts-1,scouts-4
 *   --rounds 3 --tokens 64   interleaved rounds that count, tokens of an answer
 *   --svg FILE               a chart of all cells
 *   --serve "FLAGS"          more flags of the Oracle
 *   --verbose                what the Oracle measured of its passes, on stderr
 *
 * The whole matrix takes hours:
 *   --shape 2b,8b --alpha 0.6,0.8,0.9 --rtt 0,20,50,100 --users 1,4,16 --speed 10,3 --rounds 7
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cellLine } from './coop/cell-line.ts'
import type { Cell } from './coop/cells.ts'
import { chart } from './coop/chart.ts'
import { Cooperation } from './coop/cooperation.ts'
import { type LinkKind, linkKind } from './coop/link.ts'
import { type CoopOptions, EMBEDDED, parseOptions } from './coop/options.ts'
import { servedShape } from './coop/served-shape.ts'
import { transcriptPath } from './coop/transcript.ts'
import { runMain } from './engine/arguments.ts'
import { shapeFileWithProgress } from './engine/shape-progress.ts'

/** Of a pass with the embedded target. */
const PACE_MS = 60

await runMain(async () => {
  const options = parseOptions(process.argv.slice(2))
  const links = linkKind()
  const processors = availableParallelism()
  const missing = typeof links !== 'string' ? links.missing : processors < 2 ? 'it needs two cores' : null
  if (missing !== null) {
    process.stderr.write(`bench:coop is skipped: ${missing}\n`)
    return
  }
  const cores = { oracle: '0', others: processors > 2 ? `1-${processors - 1}` : '1' }
  execFileSync('taskset', ['-cp', cores.others, String(process.pid)], { stdio: 'ignore' })
  const how = links === 'netem' ? 'tc netem' : 'a process of ours (this kernel has no netem)'
  process.stderr.write(`links: ${how}\n`)
  const cells: Cell[] = []
  for (const shape of options.shapes)
    cells.push(...(await measureShape(shape, options, links as LinkKind, cores)))
  if (options.svg !== null) writeFileSync(options.svg, chart(cells))
})

async function measureShape(
  shape: CoopOptions['shapes'][number],
  { settings, tokens, rounds, modes, serve, json, verbose }: CoopOptions,
  links: LinkKind,
  cores: { readonly oracle: string; readonly others: string },
): Promise<Cell[]> {
  const paced = shape === EMBEDDED ? ['--engine-pace-ms', String(PACE_MS)] : []
  const folder = mkdtempSync(join(tmpdir(), 'shard-coop-'))
  try {
    const model =
      shape === EMBEDDED
        ? EMBEDDED
        : await servedShape(await shapeFileWithProgress({ shape, seed: 1 }), shape, join(folder, 'model'))
    await using cooperation = await Cooperation.start({
      ...{ shape, folder, links, cores, model, rounds },
      transcripts: transcriptPath(shape, tokens),
      mostUsers: Math.max(...settings.map(({ users }) => users)),
      maxTokens: tokens,
      flags: [...paced, ...serve],
    })
    const cells: Cell[] = []
    for (const setting of settings) {
      const group = await cooperation.measure(setting, modes)
      cells.push(...group)
      for (const cell of group) process.stdout.write(`${json ? JSON.stringify(cell) : cellLine(cell)}\n`)
      if (verbose) process.stderr.write(`passes: ${JSON.stringify(await cooperation.passMs())}\n`)
    }
    return cells
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

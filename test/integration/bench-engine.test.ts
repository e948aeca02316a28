import { spawnSync } from 'node:child_process'
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtAddon } from '../support/native-addon.ts'
import { tempFolder } from '../support/temp-folder.ts'

const root = join(import.meta.dirname, '..', '..')

const hasAvx2 = builtAddon().kernels().includes('avx2')

async function bench(...args: string[]) {
  const folder = await tempFolder()
  const all = [
    join(root, 'test/bench/engine.ts'),
    '--shape',
    'tiny',
    '--folder',
    folder,
    '--runs',
    '2',
    ...args,
  ]
  return spawnSync(process.execPath, all, { encoding: 'utf8' })
}

const parsed = (lines: string): Record<string, unknown>[] =>
  lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A peer's benchmark that answers for the K that it was asked for. */
async function fakePeer(): Promise<string> {
  const file = join(await tempFolder(), 'llama-batched-bench')
  const program = `#!${process.execPath}
const ks = process.argv[process.argv.indexOf('-npl') + 1].split(',')
for (const k of ks) console.error('|   256 |      4 | ' + k + ' |    260 |    2.0 |   128.0 |    0.4 |    25.0 |    2.4 |   120.0 |')
`
  await writeFile(file, program)
  await chmod(file, 0o755)
  return file
}

describe('bench:engine', () => {
  it('measures every cell of every engine, and the machine', async () => {
    const peer = await fakePeer()
    const { stdout, stderr, status } = await bench(
      '--k',
      '1,3',
      '--threads',
      '1,2',
      '--peer',
      `fake=${peer}`,
      '--json',
    )
    expect(status, stderr).toBe(0)
    const lines = parsed(stdout)
    const cells = lines.filter((line) => 'k' in line)
    expect(cells.map(({ engine, threads, k }) => `${engine} ${threads} ${k}`).sort()).toEqual(
      ['fake', 'llama.cpp', 'shard'].flatMap((engine) =>
        ['1 1', '1 3', '2 1', '2 3'].map((rest) => `${engine} ${rest}`),
      ),
    )
    for (const cell of cells) {
      expect(cell).toMatchObject({ shape: 'tiny', head: 'F16' })
      // One that a busy machine makes slow has fewer.
      expect([8, 256]).toContain(cell.context)
      expect(cell.ms).toBeGreaterThan(0)
      expect(cell.median_ms).toBeGreaterThanOrEqual(cell.ms as number)
      if (cell.engine === 'fake') expect(cell).toMatchObject({ ms: 100, runs: 2 })
    }
    for (const machine of lines.filter((line) => 'floor_ms' in line)) {
      const bytes = machine.pass_bytes as number
      expect(machine.floor_ms).toBeCloseTo((bytes / (machine.read_bytes_per_s as number)) * 1000, 2)
    }
    const engines = lines.filter((line) => 'prompt_tokens_per_s' in line)
    expect(engines).toHaveLength(6)
    for (const engine of engines) expect(engine.prompt_tokens_per_s).toBeGreaterThan(0)
  })

  it.runIf(hasAvx2)('prints a table, with the progress elsewhere', async () => {
    const { stdout, stderr, status } = await bench('--k', '2', '--threads', '1', '--kernel', 'avx2')
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^tiny, 1 thread, 256 tokens before/)
    expect(stdout).toMatch(/^shard avx2 I2_S, F16 head +\d/m)
    expect(stdout).toMatch(/^llama.cpp avx2 TQ2_0, F16 head +\d/m)
    expect(stderr).toMatch(/run 2 of 2, 1 threads: llama.cpp, K=2/)
  })

  it.each([
    { args: ['--k', '0'], code: 2, says: /shard: --k takes whole numbers/ },
    { args: ['--peer', 'none=/no/such/program'], code: 1, says: /no\/such\/program does not run/ },
    { args: ['--kernel', 'nonsense'], code: 1, says: /nonsense/ },
    { args: ['--context', '512'], code: 2, says: /tiny has 512 positions/ },
  ])('says what is wrong with $args', async ({ args, code, says }) => {
    const { status, stderr } = await bench('--threads', '1', ...args)
    expect(stderr).toMatch(says)
    expect(stderr).not.toMatch(/^ {4}at /m)
    expect(status).toBe(code)
  })
})

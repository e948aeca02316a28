import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { builtAddon } from '../support/native-addon.ts'

const MUTATIONS = 3000

test('the native engine withstands the kept corpus and fresh mutations', () => {
  builtAddon()
  const kept = readdirSync(join(import.meta.dirname, 'corpus')).length
  expect(kept).toBeGreaterThan(100)
  const seed = 20_261_124
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [join(import.meta.dirname, 'run-corpus.ts'), String(seed), String(MUTATIONS)],
    { encoding: 'utf8' },
  )
  expect({ status, signal, stderr }).toMatchObject({ status: 0, signal: null })
  const outcome = JSON.parse(stdout) as {
    corpus: number
    mutations: number
    loaded: number
    refused: Record<string, number>
    laxer: string[]
  }
  expect(outcome).toMatchObject({ corpus: kept, mutations: MUTATIONS, laxer: [] })
  // Both ways must have been taken often: a loop that only meets broken magic numbers tests nothing.
  expect(outcome.loaded).toBeGreaterThan(MUTATIONS / 10)
  for (const code of ['GGUF_TRUNCATED', 'GGUF_INVALID', 'GGUF_UNSUPPORTED']) {
    expect(outcome.refused[code], code).toBeGreaterThan(20)
  }
})

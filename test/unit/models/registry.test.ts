import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { modelFile, tokenizerBeside } from '../../../native-host/daemon/model-files.ts'
import { readGgufHead } from '../../../native-host/models/gguf-head.ts'
import { introduction } from '../../../native-host/models/introduction.ts'
import { modelFacts } from '../../../native-host/models/model-facts.ts'
import { Registry } from '../../../native-host/models/registry.ts'
import { parseGguf } from '../../../shared/engine/gguf.ts'
import { readModelConfig } from '../../../shared/engine/model-config.ts'
import { type Metadata, writeGguf } from '../../support/gguf-writer.ts'

const registry = Registry.load()

describe('models/registry.json', () => {
  it('lists the models that people use, each with a licence and a pair', () => {
    const names = registry.models.map(({ name }) => name)
    for (const name of [
      'embedded',
      'ternary-bonsai-8b',
      'bitnet-b1.58-2b-4t',
      'falcon3-10b-instruct-1.58bit',
    ])
      expect(names).toContain(name)
    for (const { name, licence } of registry.models) {
      expect(licence.name, name).not.toBe('')
      const { drafts, targets } = registry.partners(name)
      expect(drafts.length + targets.length, name).toBeGreaterThan(0)
    }
  })

  it('claims no checksum that nobody here has seen', () => {
    for (const { name, source, sha256, tokenizer_hash } of registry.models) {
      expect(sha256, name).toBeNull()
      if (source.kind !== 'embedded') expect(tokenizer_hash, name).toBeNull()
    }
  })

  it('says of the embedded pair what their files say', async () => {
    const embedded = registry.models.filter(({ source }) => source.kind === 'embedded')
    expect(embedded.length).toBe(2)
    for (const {
      source,
      title,
      architecture,
      parameters,
      approx_bytes,
      tokenizer_hash,
      licence,
    } of embedded) {
      if (source.kind !== 'embedded') continue
      const path = modelFile('embedded', source.role)
      const { gguf, bytes } = await readGgufHead(path)
      const facts = await modelFacts(gguf)
      expect({ title, architecture, parameters, approx_bytes, tokenizer_hash }).toEqual({
        title: facts.title,
        architecture: facts.architecture,
        parameters: facts.parameters,
        approx_bytes: bytes,
        tokenizer_hash: facts.tokenizerHash,
      })
      expect(licence.name.toLowerCase()).toBe(facts.licence)
      expect((await tokenizerBeside(path)).hash).toBe(tokenizer_hash)
    }
  })

  it('says "runs" of an architecture exactly when the engine knows it', () => {
    for (const { name, architecture, runs } of registry.models) {
      if (architecture === null) continue
      expect(isKnown(architecture), `${name} (${architecture}): correct "runs" in models/registry.json`).toBe(
        runs,
      )
    }
  })
})

/** Whether the engine has a graph for it, whatever else it would refuse of such a file. */
function isKnown(architecture: string): boolean {
  const metadata: Record<string, Metadata> = { 'general.architecture': { type: 'text', value: architecture } }
  try {
    readModelConfig(parseGguf(writeGguf(metadata, [])))
  } catch (error) {
    return !(error as Error).message.startsWith('architecture ')
  }
  throw new Error('a file without sizes was taken')
}

describe('a registry file', () => {
  type Json = { models: Record<string, unknown>[]; pairs: Record<string, unknown>[] }
  it.each<[string, (json: Json) => void, RegExp]>([
    ['two models with one name', ({ models }) => models.push(models[0]!), /one name/],
    [
      'a pair with nobody',
      ({ pairs }) => pairs.push({ target: 'x', draft: 'embedded-draft' }),
      /x, which is no target/,
    ],
    [
      'a target that drafts',
      ({ pairs }) => pairs.push({ target: 'embedded', draft: 'embedded' }),
      /no draft/,
    ],
    [
      'a pair with two tokenizers',
      ({ pairs }) => pairs.push({ target: 'embedded', draft: 'ternary-bonsai-1.7b' }),
      /different tokenizers/,
    ],
    ['a name that is a path', ({ models }) => Object.assign(models[0]!, { name: '../x' }), /name/],
    ['a checksum that is none', ({ models }) => Object.assign(models[0]!, { sha256: 'abc' }), /sha256/],
    [
      'one that does not run and does not say why',
      ({ models }) => Object.assign(models[0]!, { runs: false }),
      /why/,
    ],
    ['a field nobody knows', ({ models }) => Object.assign(models[0]!, { licenses: [] }), /licenses/],
  ])('with %s is refused', async (_, spoil, message) => {
    const json = JSON.parse(await readFile('models/registry.json', 'utf8')) as Json
    spoil(json)
    expect(() => new Registry(json)).toThrow(message)
  })
})

it('a model is introduced with its licence, and with a warning where it does not run', () => {
  const entry = registry.find('bitnet-b1.58-2b-4t')!
  expect(introduction(entry)).toEqual([expect.stringMatching(/^BitNet-b1\.58-2B-4T, licence MIT \(https:/)])
  expect(introduction({ ...entry, runs: false, why: 'the engine has no graph for it' })[1]).toBe(
    'Warning: it is fetched, and does not run yet: the engine has no graph for it.',
  )
})

import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelFile } from '../../../native-host/daemon/model-files.ts'
import { readGgufHead } from '../../../native-host/models/gguf-head.ts'
import { kvBytesAt, memoryAt, modelFacts } from '../../../native-host/models/model-facts.ts'
import { writeGguf } from '../../support/gguf-writer.ts'
import { randomGguf } from '../../support/random-gguf.ts'
import { tempFolder } from '../../support/temp-folder.ts'

async function factsOf(bytes: Uint8Array) {
  const path = join(await tempFolder(), 'x.gguf')
  await writeFile(path, bytes)
  return modelFacts((await readGgufHead(path)).gguf)
}

describe('facts of a model', () => {
  it('sizes, bits, memory', async () => {
    const facts = await factsOf(
      randomGguf({
        layers: 3,
        embedding: 256,
        feedForward: 512,
        heads: 4,
        kvHeads: 2,
        headDim: 64,
        vocabSize: 320,
      }),
    )
    const layer = 256 * 256 * 2 + 2 * 128 * 256 + 3 * 256 * 512
    const norms = 3 * (256 + 256 + 256 + 512) + 256
    expect(facts).toMatchObject({
      architecture: 'bitnet',
      layers: 3,
      parameters: 320 * 256 + 3 * layer + norms,
      // f16 keys and values of two heads of 64, in three layers
      kv: { layers: 3, heads: 2, keys: 64, values: 64 },
      weightBytes: 320 * 256 * 2 + (3 * layer * 66) / 256 + norms * 4,
      residentBytes: {
        '2-bit': 320 * 256 + 320 * 4 + (3 * layer) / 4 + norms * 4,
        // 256 columns are 13 times 20, the last ones filled up, and 512 are 26 times.
        '1.6-bit': 320 * 256 + 320 * 4 + (3 * layer * 13 * 4) / 256 + norms * 4,
      },
      twoBitBytes: (3 * layer) / 4,
      refused: null,
    })
    expect(kvBytesAt(facts, 100, 'f16')).toBe(100 * 3 * 2 * (64 + 64) * 2)
    // A byte a number, and two for each head's scale.
    expect(kvBytesAt(facts, 100, 'q8')).toBe(100 * 3 * 2 * 2 * (64 + 2))
    for (const packing of ['2-bit', '1.6-bit'] as const)
      expect(memoryAt(facts, 100, 'f16', packing)).toBe(facts.residentBytes[packing] + 100 * 1536)
    expect(facts.bitsPerWeight).toBeCloseTo((facts.weightBytes * 8) / facts.parameters)
  })

  it.each([
    ['activations in groups', { architecture: 'qwen3', type: 'I2_S' }],
    ['scales in groups', { type: 'Q2_0' }],
    ['matrices of floats', { type: 'F16' }],
  ] as const)('of no less than two bits a weight: %s', async (_name, model) => {
    const { residentBytes } = await factsOf(randomGguf(model))
    expect(residentBytes['1.6-bit']).toBe(residentBytes['2-bit'])
  })

  it('a table of embeddings beside a head of its own stays in the file', async () => {
    const facts = await factsOf(randomGguf({ table: 'TQ2_0', head: 'F16', vocabSize: 320, embedding: 256 }))
    const tied = await factsOf(randomGguf({ table: 'F16', vocabSize: 320, embedding: 256 }))
    expect(facts.residentBytes).toEqual(tied.residentBytes)
    expect(facts.twoBitBytes).toBe(tied.twoBitBytes)
  })

  it('of an architecture that the engine does not run', async () => {
    const text = (value: string) => ({ type: 'text', value }) as const
    const u32 = (value: number) => ({ type: 'u32', value }) as const
    const facts = await factsOf(
      writeGguf(
        {
          'general.architecture': text('mamba9'),
          'mamba9.block_count': u32(2),
          'mamba9.embedding_length': u32(128),
          'mamba9.attention.head_count': u32(2),
        },
        [{ name: 'token_embd.weight', shape: [32, 4], type: 0, bytes: new Uint8Array(512) }],
      ),
    )
    expect(facts).toMatchObject({
      architecture: 'mamba9',
      parameters: 128,
      bitsPerWeight: 32,
      kv: { layers: 2, heads: 2, keys: 64, values: 64 },
      tokenizerHash: null,
      refused: expect.stringMatching(/mamba9/),
    })
  })

  it('says nothing where the file says nothing', async () => {
    const facts = await factsOf(writeGguf({}, []))
    expect(facts).toMatchObject({
      architecture: null,
      parameters: 0,
      bitsPerWeight: 0,
      kv: null,
    })
    expect(memoryAt(facts, 5, 'q8', '2-bit')).toBeNull()
  })
})

describe('the head of a file', () => {
  it('of several GB is read without them', async () => {
    const folder = await tempFolder()
    await mkdir(folder, { recursive: true })
    const path = join(folder, 'large.gguf')
    await writeFile(path, randomGguf())
    // A hole, which takes no room.
    await truncate(path, 9_000_000_000)
    const { gguf, bytes } = await readGgufHead(path)
    expect(bytes).toBe(9_000_000_000)
    expect(gguf.tensors.size).toBeGreaterThan(10)
  })

  it('longer than the first read', async () => {
    const words = Array.from({ length: 20 }, (_, i) => String(i).padEnd(1_000_000, 'x'))
    const facts = await factsOf(writeGguf({ 'tokenizer.ggml.tokens': { type: 'texts', value: words } }, []))
    expect(facts.tokenizerHash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('of a file that was cut off is refused', async () => {
    const path = join(await tempFolder(), 'x.gguf')
    const whole = randomGguf()
    await writeFile(path, whole.subarray(0, whole.length - 1000))
    await expect(readGgufHead(path)).rejects.toMatchObject({ code: 'GGUF_TRUNCATED' })
    await writeFile(path, whole.subarray(0, 100))
    await expect(readGgufHead(path)).rejects.toMatchObject({ code: 'GGUF_TRUNCATED' })
    await writeFile(path, 'nothing')
    await expect(readGgufHead(path)).rejects.toMatchObject({ code: 'GGUF_INVALID' })
    await expect(readGgufHead(`${path}.not`)).rejects.toMatchObject({ code: 'CANNOT_READ' })
  })

  it('says what the whole file says', async () => {
    const facts = await modelFacts((await readGgufHead(modelFile('embedded', 'target'))).gguf)
    expect(facts).toMatchObject({
      parameters: 7352576,
      layers: 8,
      contextLength: 1024,
      types: ['F16', 'TQ2_0', 'F32'],
    })
  })
})

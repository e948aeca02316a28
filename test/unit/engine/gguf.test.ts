import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../shared/engine/engine-error.ts'
import { parseGguf } from '../../../shared/engine/gguf.ts'
import { loadReferenceEngine } from '../../../shared/engine/reference/reference-engine.ts'
import { writeGguf } from '../../support/gguf-writer.ts'
import { randomGguf } from '../../support/random-gguf.ts'

const WHOLE = randomGguf({ layers: 1, vocabSize: 258, embedding: 256, feedForward: 256, type: 'TQ2_0' })
const text = (value: string) => ({ type: 'text', value }) as const

/** A file with one tensor of 32 floats, then altered. */
function small(alter: (view: DataView, bytes: Buffer) => void): Uint8Array {
  const tensor = { name: 'weight', shape: [32], type: 0, bytes: new Uint8Array(128) }
  const bytes = Buffer.from(
    writeGguf({ 'general.name': text('small'), list: { type: 'i32s', value: [1, 2] } }, [tensor]),
  )
  alter(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), bytes)
  return bytes
}
/** Offset just past the first occurrence of a length-prefixed string. */
const past = (bytes: Buffer, name: string) => bytes.indexOf(name) + name.length

describe('parseGguf', () => {
  it('reads metadata and places tensors', () => {
    const file = parseGguf(small(() => undefined))
    expect(file.version).toBe(3)
    expect([...file.metadata]).toEqual([
      ['general.name', 'small'],
      ['list', [1, 2]],
    ])
    expect(file.tensors.get('weight')).toMatchObject({ rows: 1, columns: 32 })
    expect(file.tensors.get('weight')!.data).toHaveLength(128)
  })

  it.each<[string, string, (view: DataView, bytes: Buffer) => void]>([
    ['version 1', 'GGUF_UNSUPPORTED', (view) => view.setUint32(4, 1, true)],
    ['big endian', 'GGUF_UNSUPPORTED', (view) => view.setUint32(4, 3, false)],
    ['version 9', 'GGUF_INVALID', (view) => view.setUint32(4, 9, true)],
    ['2^64 − 1 tensors', 'GGUF_INVALID', (view) => view.setBigUint64(8, 2n ** 64n - 1n, true)],
    ['2^53 metadata values', 'GGUF_INVALID', (view) => view.setBigUint64(16, 2n ** 53n, true)],
    ['an endless key', 'GGUF_TRUNCATED', (view) => view.setBigUint64(24, 2n ** 40n, true)],
    [
      'an unknown type',
      'GGUF_INVALID',
      (view, bytes) => view.setUint32(past(bytes, 'general.name'), 77, true),
    ],
    [
      'an endless array',
      'GGUF_TRUNCATED',
      (view, bytes) => view.setBigUint64(past(bytes, 'list') + 8, 2n ** 50n, true),
    ],
    ['an array of arrays', 'GGUF_INVALID', (view, bytes) => view.setUint32(past(bytes, 'list') + 4, 9, true)],
    ['no dimensions', 'GGUF_INVALID', (view, bytes) => view.setUint32(past(bytes, 'weight'), 0, true)],
    ['5 dimensions', 'GGUF_INVALID', (view, bytes) => view.setUint32(past(bytes, 'weight'), 5, true)],
    [
      'an extent of 0',
      'GGUF_INVALID',
      (view, bytes) => view.setBigUint64(past(bytes, 'weight') + 4, 0n, true),
    ],
    [
      'a huge extent',
      'GGUF_TRUNCATED',
      (view, bytes) => view.setBigUint64(past(bytes, 'weight') + 4, 2n ** 50n, true),
    ],
    ['type Q4_1', 'GGUF_UNSUPPORTED', (view, bytes) => view.setUint32(past(bytes, 'weight') + 12, 3, true)],
    ['a broken block', 'GGUF_INVALID', (view, bytes) => view.setUint32(past(bytes, 'weight') + 12, 35, true)],
    [
      'an odd offset',
      'GGUF_INVALID',
      (view, bytes) => view.setBigUint64(past(bytes, 'weight') + 16, 3n, true),
    ],
    [
      'a far offset',
      'GGUF_TRUNCATED',
      (view, bytes) => view.setBigUint64(past(bytes, 'weight') + 16, 2n ** 52n, true),
    ],
  ])('refuses %s with %s', (_name, code, alter) => {
    expect(() => parseGguf(small(alter))).toThrowError(expect.objectContaining({ name: 'EngineError', code }))
  })

  it('refuses doubles and bad alignments', () => {
    const tensor = { name: 'w', shape: [8], type: 0, bytes: new Uint8Array(32) }
    expect(() => parseGguf(writeGguf({}, [tensor, tensor]))).toThrowError(/twice/)
    for (const value of [0, 3, 2 ** 20]) {
      const file = writeGguf({ 'general.alignment': { type: 'u32', value } }, [tensor])
      expect(() => parseGguf(file)).toThrowError(expect.objectContaining({ code: 'GGUF_INVALID' }))
    }
  })

  it('keeps a byte order mark that belongs to a string', () => {
    expect(parseGguf(writeGguf({ a: text('\ufeffb') }, [])).metadata.get('a')).toBe('\ufeffb')
  })
})

describe('a hostile file', () => {
  const load = async (bytes: Uint8Array) => {
    try {
      await (await loadReferenceEngine(bytes)).unload()
      return 'loaded'
    } catch (error) {
      // Anything but a named error is a bug: a crash, an endless loop, an allocation out of bounds.
      expect(error).toBeInstanceOf(EngineError)
      return (error as EngineError).code
    }
  }

  it('cut anywhere gives a named error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: WHOLE.length - 32 }), async (length) => {
        expect(await load(WHOLE.slice(0, length))).toBe('GGUF_TRUNCATED')
      }),
      { seed: 1, numRuns: 200 },
    )
  })

  it('altered anywhere in its header gives a named error or loads', async () => {
    const header = Buffer.from(WHOLE).indexOf('output_norm.weight') + 50
    const outcomes = new Set<string>()
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: header }),
        fc.constantFrom(0, 1, 2, 7, 0x7f, 0x80, 0xff),
        fc.integer({ min: 1, max: 8 }),
        async (at, value, width) => {
          const bytes = WHOLE.slice()
          bytes.fill(value, at, Math.min(header, at + width))
          outcomes.add(await load(bytes))
        },
      ),
      { seed: 2, numRuns: 600 },
    )
    expect([...outcomes]).toEqual(expect.arrayContaining(['GGUF_INVALID', 'GGUF_TRUNCATED', 'loaded']))
  })
})

import { describe, expect, it } from 'vitest'
import { parseGguf } from '../../../shared/engine/gguf.ts'
import { type TensorData, writeGguf } from '../../support/gguf-writer.ts'

const Q2_0 = 42
/** Columns × rows; the bytes do not matter, only how many they are. */
const tensor = (name: string, group: 64 | 128, columns: number, rows: number): TensorData => ({
  name,
  shape: [columns, rows],
  type: Q2_0,
  bytes: new Uint8Array(((columns * rows) / group) * (group === 64 ? 18 : 34)),
})
const norm: TensorData = { name: 'norm', shape: [8], type: 0, bytes: new Uint8Array(32) }
const groupsOf = (tensors: TensorData[], cut = 0) => {
  const file = writeGguf({}, tensors)
  const all = parseGguf(file.subarray(0, file.length - cut)).tensors.values()
  return [...all].filter(({ type }) => type.id === Q2_0).map(({ type }) => type.blockWeights)
}

describe('the groups of a file’s Q2_0', () => {
  it.each([64, 128] as const)('of %i are told by the offsets', (group) => {
    const [a, b] = [tensor('a', group, 256, 16), tensor('b', group, 512, 64)]
    expect(groupsOf([a, b, norm])).toEqual([group, group])
    expect(groupsOf([norm, a, b])).toEqual([group, group])
    expect(groupsOf([b, norm, a])).toEqual([group, group])
  })

  it.each([64, 128] as const)('of %i are told by the end of the file alone, to the byte', (group) => {
    const only = tensor('a', group, 256, 16)
    expect(groupsOf([norm, only])).toEqual([group])
    expect(() => groupsOf([norm, only], 32)).toThrowError(expect.objectContaining({ code: 'GGUF_TRUNCATED' }))
  })

  it('are one size for all, tiny tensors that fit both included', () => {
    const tiny = (group: 64 | 128) => tensor('tiny', group, 128, 1)
    expect(groupsOf([tiny(128), tensor('b', 128, 512, 64), norm])).toEqual([128, 128])
    expect(groupsOf([tiny(64), tensor('b', 64, 512, 64), norm])).toEqual([64, 64])
  })

  it('are of 64 where a row has no whole groups of 128, or tensors contradict each other', () => {
    expect(groupsOf([tensor('a', 64, 192, 16), norm])).toEqual([64])
    expect(groupsOf([tensor('a', 128, 256, 16), tensor('b', 64, 256, 16), norm])).toEqual([64, 64])
  })
})

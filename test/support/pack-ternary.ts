/** `Q2_0 of 128` is Q2_0 as it first was, in groups of 128. */
export type TernaryType = 'I2_S' | 'TQ1_0' | 'TQ2_0' | 'Q2_0' | 'Q2_0 of 128'

export const TERNARY_TYPES: readonly TernaryType[] = ['I2_S', 'TQ1_0', 'TQ2_0', 'Q2_0', 'Q2_0 of 128']

/** The type's number in a GGUF file, and how many weights share a block (a row must be a whole number of them). */
export const TERNARY_LAYOUT: Readonly<Record<TernaryType, { readonly id: number; readonly block: number }>> =
  {
    TQ1_0: { id: 34, block: 256 },
    TQ2_0: { id: 35, block: 256 },
    I2_S: { id: 36, block: 128 },
    Q2_0: { id: 42, block: 64 },
    'Q2_0 of 128': { id: 42, block: 128 },
  }

/**
 * Packs weights −1, 0, 1 (Q2_0 takes 2 as well) as llama.cpp's quantizers (I2_S: bitnet.cpp's, x86) lay them out.
 * @param scales binary16 bits per block, or for I2_S one float32
 */
export function packTernary(type: TernaryType, weights: Int8Array, scales: readonly number[]): Uint8Array {
  const { block } = TERNARY_LAYOUT[type]
  const blocks = Array.from({ length: weights.length / block }, (_, i) => {
    const codes = Uint8Array.from(weights.subarray(i * block, (i + 1) * block), (weight) => weight + 1)
    return type === 'I2_S' ? PACK.I2_S(codes) : PACK[type](codes, halfBytes(scales[i]!))
  })
  if (type === 'I2_S') {
    const tail = new Uint8Array(32)
    new DataView(tail.buffer).setFloat32(0, scales[0]!, true)
    blocks.push(tail)
  }
  return join(blocks)
}

const halfBytes = (half: number) => Uint8Array.of(half & 255, half >> 8)

const packQ2 = (codes: Uint8Array, scale: Uint8Array) => {
  const bytes = Uint8Array.from(
    { length: codes.length / 4 },
    (_, p) => codes[4 * p]! | (codes[4 * p + 1]! << 2) | (codes[4 * p + 2]! << 4) | (codes[4 * p + 3]! << 6),
  )
  return join([scale, bytes])
}

const PACK = {
  I2_S: (codes: Uint8Array) =>
    Uint8Array.from(
      { length: 32 },
      (_, p) => (codes[p]! << 6) | (codes[32 + p]! << 4) | (codes[64 + p]! << 2) | codes[96 + p]!,
    ),
  TQ2_0: (codes: Uint8Array, scale: Uint8Array) => {
    const bytes = Uint8Array.from({ length: 64 }, (_, p) => {
      const at = (p >> 5) * 128 + (p & 31)
      return codes[at]! | (codes[at + 32]! << 2) | (codes[at + 64]! << 4) | (codes[at + 96]! << 6)
    })
    return join([bytes, scale])
  },
  Q2_0: packQ2,
  'Q2_0 of 128': packQ2,
  TQ1_0: (codes: Uint8Array, scale: Uint8Array) => {
    const byte = (trits: number[]) => {
      const value = [0, 1, 2, 3, 4].reduce((sum, i) => sum * 3 + (trits[i] ?? 0), 0)
      return Math.ceil((value * 256) / 243)
    }
    const part = (start: number, stride: number, count: number, length: number) =>
      Uint8Array.from({ length }, (_, m) =>
        byte(Array.from({ length: count }, (_, n) => codes[start + n * stride + m]!)),
      )
    return join([part(0, 32, 5, 32), part(160, 16, 5, 16), part(240, 4, 4, 4), scale])
  },
}

function join(chunks: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
  let offset = 0
  for (const chunk of chunks) {
    out.set(chunk, offset)
    offset += chunk.length
  }
  return out
}

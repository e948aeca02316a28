import type { TernaryType } from '../../support/pack-ternary.ts'
import type { TableType } from '../../support/random-table.ts'

export type MatrixType = TernaryType | TableType

/** The hyperparameters of a published model, with the tensor types that its files have. */
export interface Shape {
  readonly architecture: string
  readonly layers: number
  readonly width: number
  readonly feedForward: number
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly vocabulary: number
  readonly context: number
  readonly ropeBase: number
  readonly epsilon: number
  /** Of all matrices but the embedding and the head. */
  readonly type: TernaryType
  readonly embedding: MatrixType
  /** null: the embedding is the head. */
  readonly head: MatrixType | null
  /** 'tensor': one scale per tensor, as BitNet's; 'group': one per 128 weights, as Ternary-Bonsai's. */
  readonly scales: 'tensor' | 'group'
}

const LLAMA_3 = { vocabulary: 128_256, ropeBase: 500_000, epsilon: 1e-5 }
const QWEN_3 = { headDim: 128, vocabulary: 151_936, context: 40_960, ropeBase: 1_000_000, epsilon: 1e-6 }

export type ShapeName = '2b' | '1.7b' | '8b' | 'llama-8b' | '70b' | 'tiny'

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  /** BitNet-b1.58-2B-4T. */
  '2b': {
    ...{ architecture: 'bitnet-b1.58', layers: 30, width: 2560, feedForward: 6912 },
    ...{ heads: 20, kvHeads: 5, headDim: 128, context: 4096, ...LLAMA_3 },
    ...{ type: 'I2_S', embedding: 'F16', head: null, scales: 'tensor' },
  },
  /** Ternary-Bonsai-1.7B, of Qwen3-1.7B. */
  '1.7b': {
    ...{
      architecture: 'qwen3',
      layers: 28,
      width: 2048,
      feedForward: 6144,
      heads: 16,
      kvHeads: 8,
      ...QWEN_3,
    },
    ...{ type: 'Q2_0', embedding: 'Q2_0', head: null, scales: 'group' },
  },
  /** Ternary-Bonsai-8B, of Qwen3-8B. */
  '8b': {
    ...{
      architecture: 'qwen3',
      layers: 36,
      width: 4096,
      feedForward: 12_288,
      heads: 32,
      kvHeads: 8,
      ...QWEN_3,
    },
    ...{ type: 'Q2_0', embedding: 'Q2_0', head: 'Q2_0', scales: 'group' },
  },
  /** Llama3-8B-1.58-100B-tokens. */
  'llama-8b': {
    ...{ architecture: 'llama', layers: 32, width: 4096, feedForward: 14_336 },
    ...{ heads: 32, kvHeads: 8, headDim: 128, context: 8192, ...LLAMA_3 },
    ...{ type: 'I2_S', embedding: 'F16', head: 'F16', scales: 'tensor' },
  },
  /** Llama-3-70B's shape, in which nobody has published ternary weights yet. */
  '70b': {
    ...{ architecture: 'llama', layers: 80, width: 8192, feedForward: 28_672 },
    ...{ heads: 64, kvHeads: 8, headDim: 128, context: 8192, ...LLAMA_3 },
    ...{ type: 'TQ1_0', embedding: 'TQ1_0', head: 'TQ1_0', scales: 'tensor' },
  },
  /** For tests. */
  tiny: {
    ...{ architecture: 'bitnet-b1.58', layers: 2, width: 256, feedForward: 512 },
    ...{ heads: 4, kvHeads: 2, headDim: 64, vocabulary: 1024, context: 512, ropeBase: 10_000, epsilon: 1e-5 },
    ...{ type: 'I2_S', embedding: 'F16', head: null, scales: 'tensor' },
  },
}

export const SHAPE_NAMES = Object.keys(SHAPES) as readonly ShapeName[]

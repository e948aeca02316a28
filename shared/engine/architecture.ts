export type Activation = 'silu' | 'squared-relu'

/**
 * What shares a scale when activations are rounded to int8 for ternary products: all of a token's, as BitNet models were
 * trained; or as many columns as a group of the weights has, for models trained with 16-bit activations, which the coarser
 * rounding would hurt.
 */
export type ActivationScales = 'token' | 'group'

/** Where a family's graph differs from the others'. */
export interface Architecture {
  /** Of the feed-forward's gate. */
  readonly activation: Activation
  /** RMSNorms before the attention's output matrix and before the down matrix. */
  readonly subNorms: boolean
  /** RMSNorms of every query and key head, before they are rotated. */
  readonly headNorms: boolean
  /** Which two dimensions of a head turn together: (i, i + half), or (2i, 2i + 1). */
  readonly ropePairs: 'halves' | 'neighbours'
  /** The usual choice; a loader's option overrides it. */
  readonly activationScales: ActivationScales
}

const BITNET: Architecture = {
  activation: 'silu',
  subNorms: true,
  headNorms: false,
  ropePairs: 'halves',
  activationScales: 'token',
}

/**
 * By their names in GGUF files. `bitnet` is 1bitLLM's (llama.cpp's name), `bitnet-b1.58` and `bitnet-25` are BitNet b1.58 2B 4T
 * (bitnet.cpp's names). Published ternary `llama` models (Llama3-8B-1.58, Falcon3-1.58bit) were trained with BitNet's
 * activations, a scale a token; published ternary `qwen3` models (Ternary-Bonsai) with 16 bits. GGUF's converters permute
 * llama's query and key rows, so that neighbours turn together.
 */
export const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  bitnet: BITNET,
  'bitnet-b1.58': { ...BITNET, activation: 'squared-relu' },
  'bitnet-25': { ...BITNET, activation: 'squared-relu' },
  qwen3: {
    activation: 'silu',
    subNorms: false,
    headNorms: true,
    ropePairs: 'halves',
    activationScales: 'group',
  },
  llama: {
    activation: 'silu',
    subNorms: false,
    headNorms: false,
    ropePairs: 'neighbours',
    activationScales: 'token',
  },
}

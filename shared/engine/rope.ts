import { EngineError } from './engine-error.ts'
import type { MetadataReader } from './metadata-reader.ts'

/** How positions become angles. */
export interface Rope {
  readonly base: number
  /** Positions are divided by it; with YaRN, those of slow pairs alone. */
  readonly scale: number
  readonly yarn: Yarn | null
}

export interface Yarn {
  /** Context that the model was first trained with. */
  readonly originalContext: number
  /** Pairs that turn more often than `fast` times within it keep their speed; those below `slow` slow down by `scale`. */
  readonly fast: number
  readonly slow: number
}

const MAX_CONTEXT = 2 ** 30
/** Settings of YaRN that are not run, with the values that say nothing. */
const NOT_RUN: readonly (readonly [name: string, neutral: number])[] = [
  ['attn_factor', 1],
  ['yarn_log_multiplier', 0],
  ['yarn_ext_factor', 1],
  ['yarn_attn_factor', 1],
]

/** @param prefix `<architecture>.rope.` @throws {EngineError} GGUF_INVALID, GGUF_UNSUPPORTED */
export function readRope(read: MetadataReader, prefix: string, contextLength: number): Rope {
  const key = (name: string) => `${prefix}${name}`
  const base = read.number(key('freq_base'), 10_000)
  // As llama.cpp: a factor without a type is linear.
  const type = read.text(key('scaling.type'), read.has(key('scaling.factor')) ? 'linear' : 'none')
  if (type === 'none') return { base, scale: 1, yarn: null }
  if (type !== 'linear' && type !== 'yarn') {
    throw new EngineError(
      'GGUF_UNSUPPORTED',
      `rotary scaling ${JSON.stringify(type)}; none, linear and yarn are run (and llama3’s, which is a tensor)`,
    )
  }
  const scale = read.number(key('scaling.factor'), 1)
  if (type === 'linear') return { base, scale, yarn: null }
  for (const [name, neutral] of NOT_RUN) {
    if (read.differs(key(`scaling.${name}`), neutral)) {
      throw new EngineError(
        'GGUF_UNSUPPORTED',
        `metadata ${JSON.stringify(key(`scaling.${name}`))} is not run`,
      )
    }
  }
  const yarn = {
    originalContext: read.integer(key('scaling.original_context_length'), 1, MAX_CONTEXT, contextLength),
    fast: read.number(key('scaling.yarn_beta_fast'), 32),
    slow: read.number(key('scaling.yarn_beta_slow'), 1),
  }
  return { base, scale, yarn }
}

export interface Rotation {
  /** Angle of a pair per position [C / 2]. */
  readonly frequencies: Float64Array
  /** Sines and cosines are multiplied by it. */
  readonly magnitude: number
}

/**
 * The angles as llama.cpp defines them. YaRN: https://arxiv.org/abs/2309.00071.
 * @param factors the tensor `rope_freqs`, by which pairs are slowed down (llama3's scaling)
 */
export function rotationOf(
  { base, scale, yarn }: Rope,
  width: number,
  factors: Float32Array | null,
): Rotation {
  const own = Float64Array.from(
    { length: width / 2 },
    (_, i) => base ** ((-2 * i) / width) / (factors?.[i] ?? 1),
  )
  if (yarn === null) return { frequencies: own.map((frequency) => frequency / scale), magnitude: 1 }
  /** The pair that turns `turns` times within the original context. */
  const pairAt = (turns: number) =>
    (width * Math.log(yarn.originalContext / (turns * 2 * Math.PI))) / (2 * Math.log(base))
  const low = Math.max(0, Math.floor(pairAt(yarn.fast)))
  const high = Math.min(width - 1, Math.ceil(pairAt(yarn.slow)))
  const frequencies = own.map((frequency, i) => {
    const kept = 1 - Math.min(1, Math.max(0, (i - low) / Math.max(0.001, high - low)))
    return (frequency / scale) * (1 - kept) + frequency * kept
  })
  return { frequencies, magnitude: 1 + 0.1 * Math.log(scale) }
}

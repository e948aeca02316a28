import type { Gguf, GgufTensor, GgufValue } from '../../shared/engine/gguf.ts'
import { type KvCacheType, kvHeadBytes } from '../../shared/engine/kv-cache-type.ts'
import { type ModelConfig, readModelConfig } from '../../shared/engine/model-config.ts'
import { hashGgufTokenizer } from '../../shared/engine/tokenizer-hash.ts'
import type { WeightPacking } from '../engine/weight-packing.ts'

const EMBEDDING = 'token_embd.weight'

export interface KvFacts {
  readonly layers: number
  readonly heads: number
  /** Dimensions of a head's keys, and of its values. */
  readonly keys: number
  readonly values: number
}

/** What a GGUF's head says about a model, whether or not the engine runs it; null where it says nothing. */
export interface ModelFacts {
  readonly title: string | null
  readonly architecture: string | null
  readonly parameters: number
  /** Of all weights: scales, padding and embeddings included. */
  readonly bitsPerWeight: number
  /** Tensor types by name, those with the most bytes first. */
  readonly types: readonly string[]
  readonly layers: number | null
  readonly contextLength: number | null
  /** Rows of the embedding: token ids end below it. */
  readonly vocabSize: number | null
  /** What one token's keys and values are; null where the file does not say. */
  readonly kv: KvFacts | null
  /** Bytes of all tensors in the file. */
  readonly weightBytes: number
  /** Bytes of weights in memory once the native engine has loaded them, its head as usual. */
  readonly residentBytes: Readonly<Record<WeightPacking, number>>
  /** Of which ternary weights, in two bits. */
  readonly twoBitBytes: number
  readonly licence: string | null
  /** Over the vocabulary; null when the file has none. */
  readonly tokenizerHash: string | null
  /** Why the engine does not run it; null = it does. */
  readonly refused: string | null
}

export async function modelFacts(gguf: Gguf): Promise<ModelFacts> {
  const architecture = text(gguf.metadata.get('general.architecture'))
  const number = (name: string) => positive(gguf.metadata.get(`${architecture}.${name}`))
  const layers = number('block_count')
  const heads = number('attention.head_count')
  const kvHeads = number('attention.head_count_kv') ?? heads
  const embedding = number('embedding_length')
  const usual = embedding !== null && heads !== null ? embedding / heads : null
  const keys = number('attention.key_length') ?? usual
  const values = number('attention.value_length') ?? keys
  const isKnown = layers !== null && kvHeads !== null && keys !== null && values !== null
  let parameters = 0
  let weightBytes = 0
  let fixedBytes = 0
  let twoBitBytes = 0
  let packedBytes = 0
  const { config, refused } = configOf(gguf)
  const tied = !gguf.tensors.has('output.weight')
  const bytesByType = new Map<string, number>()
  for (const [name, tensor] of gguf.tensors) {
    const bytes = bytesOf(tensor)
    if (name !== EMBEDDING || tied) {
      fixedBytes += fixedBytesOf(name, tensor, tied)
      twoBitBytes += twoBitBytesOf(tensor)
      packedBytes += takesBaseThree(tensor, config) ? baseThreeBytesOf(tensor) : twoBitBytesOf(tensor)
    }
    parameters += tensor.rows * tensor.columns
    weightBytes += bytes
    bytesByType.set(tensor.type.name, (bytesByType.get(tensor.type.name) ?? 0) + bytes)
  }
  return {
    title: text(gguf.metadata.get('general.name')),
    architecture,
    parameters,
    bitsPerWeight: parameters === 0 ? 0 : (weightBytes * 8) / parameters,
    types: [...bytesByType].sort((a, b) => b[1] - a[1]).map(([name]) => name),
    layers,
    contextLength: number('context_length'),
    vocabSize: gguf.tensors.get(EMBEDDING)?.rows ?? null,
    kv: isKnown ? { layers, heads: kvHeads, keys, values } : null,
    weightBytes,
    residentBytes: { '2-bit': fixedBytes + twoBitBytes, '1.6-bit': fixedBytes + packedBytes },
    twoBitBytes,
    licence: text(gguf.metadata.get('general.license')),
    tokenizerHash: gguf.metadata.has('tokenizer.ggml.tokens') ? await hashGgufTokenizer(gguf) : null,
    refused,
  }
}

/** Memory of one sequence's keys and values once it holds `context` tokens. */
export function kvBytesAt({ kv }: ModelFacts, context: number, type: KvCacheType): number | null {
  if (kv === null) return null
  return context * kv.layers * kv.heads * (kvHeadBytes(type, kv.keys) + kvHeadBytes(type, kv.values))
}

/** Weights and the KV cache of one sequence that fills `context` tokens. */
export function memoryAt(
  facts: ModelFacts,
  context: number,
  type: KvCacheType,
  packing: WeightPacking,
): number | null {
  const kvBytes = kvBytesAt(facts, context, type)
  return kvBytes === null ? null : facts.residentBytes[packing] + kvBytes
}

function configOf(gguf: Gguf): { config: ModelConfig | null; refused: string | null } {
  try {
    return { config: readModelConfig(gguf), refused: null }
  } catch (error) {
    return { config: null, refused: (error as Error).message }
  }
}

function bytesOf({ type, rows, columns }: GgufTensor): number {
  return ((rows * columns) / type.blockWeights) * type.blockBytes + type.tailBytes
}

// As native/src/model keeps them; the embedding, where it is not the head as well, stays in the file.

/** All but ternary codes: scales per group where the type is made for them, a head of floats in int8. */
function fixedBytesOf(name: string, tensor: GgufTensor, tied: boolean): number {
  const { type, rows, columns } = tensor
  if (type.ternary) return hasGroupScales(tensor) ? ((rows * columns) / type.blockWeights) * 2 : 0
  const isHead = name === (tied ? EMBEDDING : 'output.weight')
  return isHead ? rows * columns + rows * 4 : bytesOf(tensor)
}

const twoBitBytesOf = (tensor: GgufTensor) => codeBytesOf(tensor, 16)
const baseThreeBytesOf = (tensor: GgufTensor) => codeBytesOf(tensor, 20)

/** 64 bytes for so many columns of 16 rows. */
function codeBytesOf({ type, rows, columns }: GgufTensor, columnsTogether: number): number {
  return type.ternary ? Math.ceil(rows / 16) * Math.ceil(columns / columnsTogether) * 64 : 0
}

/** With one scale for the tensor, as one has that was trained with a scale a token, and one scale for a token's activations. */
function takesBaseThree(tensor: GgufTensor, config: ModelConfig | null): boolean {
  return config?.activationGroup === 0 && !hasGroupScales(tensor)
}

/** Other types have room for them, too, but are what models with one scale a tensor are converted to. */
function hasGroupScales({ type }: GgufTensor): boolean {
  return type.name === 'Q2_0'
}

function text(value: GgufValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : null
}

function positive(value: GgufValue | undefined): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null
}

import type { Gguf, GgufTensor, GgufValue } from '../../shared/engine/gguf.ts'
import { type KvCacheType, kvHeadBytes } from '../../shared/engine/kv-cache-type.ts'
import { readModelConfig } from '../../shared/engine/model-config.ts'
import { hashGgufTokenizer } from '../../shared/engine/tokenizer-hash.ts'

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
  /** Bytes of weights in memory once the native engine has loaded them with its usual options. */
  readonly residentBytes: number
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
  let residentBytes = 0
  const tied = !gguf.tensors.has('output.weight')
  const bytesByType = new Map<string, number>()
  for (const [name, tensor] of gguf.tensors) {
    const bytes = bytesOf(tensor)
    residentBytes += residentBytesOf(name, tensor, tied)
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
    vocabSize: gguf.tensors.get('token_embd.weight')?.rows ?? null,
    kv: isKnown ? { layers, heads: kvHeads, keys, values } : null,
    weightBytes,
    residentBytes,
    licence: text(gguf.metadata.get('general.license')),
    tokenizerHash: gguf.metadata.has('tokenizer.ggml.tokens') ? await hashGgufTokenizer(gguf) : null,
    refused: refusal(gguf),
  }
}

/** Memory of one sequence's keys and values once it holds `context` tokens. */
export function kvBytesAt({ kv }: ModelFacts, context: number, type: KvCacheType): number | null {
  if (kv === null) return null
  return context * kv.layers * kv.heads * (kvHeadBytes(type, kv.keys) + kvHeadBytes(type, kv.values))
}

/** Weights and the KV cache of one sequence that fills `context` tokens. */
export function memoryAt(facts: ModelFacts, context: number, type: KvCacheType): number | null {
  const kvBytes = kvBytesAt(facts, context, type)
  return kvBytes === null ? null : facts.residentBytes + kvBytes
}

function refusal(gguf: Gguf): string | null {
  try {
    readModelConfig(gguf)
    return null
  } catch (error) {
    return (error as Error).message
  }
}

function bytesOf({ type, rows, columns }: GgufTensor): number {
  return ((rows * columns) / type.blockWeights) * type.blockBytes + type.tailBytes
}

/**
 * As native/src/model keeps them: ternary weights in two bits (scales per group where the type is made for them), a head of
 * floats in int8, the embedding in the file.
 */
function residentBytesOf(name: string, tensor: GgufTensor, tied: boolean): number {
  const { type, rows, columns } = tensor
  if (name === 'token_embd.weight' && !tied) return 0
  if (type.ternary) {
    const scales = type.name === 'Q2_0' ? ((rows * columns) / type.blockWeights) * 2 : 0
    return (rows * columns) / 4 + scales
  }
  const isHead = name === (tied ? 'token_embd.weight' : 'output.weight')
  return isHead ? rows * columns + rows * 4 : bytesOf(tensor)
}

function text(value: GgufValue | undefined): string | null {
  return typeof value === 'string' && value !== '' ? value.slice(0, 200) : null
}

function positive(value: GgufValue | undefined): number | null {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : null
}

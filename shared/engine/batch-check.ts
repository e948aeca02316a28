import type { EngineInfo, ForwardItem, PassItem, SequenceId } from './engine.ts'
import { EngineError } from './engine-error.ts'

/** Most alternatives per token that a pass returns. */
const MAX_TOP_LOGPROBS = 20

/** What the checks have to know about a sequence. */
export type LengthOf = (sequence: SequenceId) => number

/** @throws {EngineError} SEQUENCE_UNKNOWN (from `lengthOf`), BATCH_INVALID, CONTEXT_FULL */
export function checkForward(items: readonly ForwardItem[], info: EngineInfo, lengthOf: LengthOf): void {
  checkItems(items, info, lengthOf, ({ tokens }) => tokens)
}

/** @throws {EngineError} SEQUENCE_UNKNOWN (from `lengthOf`), BATCH_INVALID, CONTEXT_FULL */
export function checkVerify(items: readonly PassItem[], info: EngineInfo, lengthOf: LengthOf): void {
  checkItems(items, info, lengthOf, ({ tokens, drafts }) => [...tokens, ...drafts])
  for (const { sequence, tokens, drafts, sample } of items) {
    if (sample === undefined) {
      if (drafts.length > 0)
        throw invalid(`${drafts.length} drafts for sequence ${sequence}, but nothing to sample`)
      continue
    }
    const length = lengthOf(sequence) + tokens.length
    if (!isWhole(sample.promptLength, 0, length)) {
      throw invalid(`a prompt of ${sample.promptLength} tokens in a sequence of ${length}`)
    }
    if (!isWhole(sample.maxTokens, 1, Number.MAX_SAFE_INTEGER)) {
      throw invalid(`maxTokens is ${sample.maxTokens}; 1 or more is expected`)
    }
    if (!isWhole(sample.topLogprobs, 0, MAX_TOP_LOGPROBS)) {
      throw invalid(`topLogprobs is ${sample.topLogprobs}; 0 to ${MAX_TOP_LOGPROBS} is expected`)
    }
  }
}

interface Item {
  readonly sequence: SequenceId
  readonly tokens: readonly number[]
  readonly parents?: readonly number[]
}

function checkItems<I extends Item>(
  items: readonly I[],
  info: EngineInfo,
  lengthOf: LengthOf,
  rowsOf: (item: I) => readonly number[],
): void {
  if (items.length === 0) throw invalid('a batch without items')
  const seen = new Set<SequenceId>()
  let rows = 0
  for (const item of items) {
    const { sequence, tokens, parents } = item
    const length = lengthOf(sequence)
    if (seen.has(sequence)) throw invalid(`sequence ${sequence} is twice in the batch`)
    seen.add(sequence)
    if (parents !== undefined) throw invalid('draft trees are not run yet: leave `parents` out')
    if (tokens.length === 0) throw invalid(`an item without tokens for sequence ${sequence}`)
    const all = rowsOf(item)
    const { vocabSize, contextLength } = info.model
    const foreign = all.find((id) => !isWhole(id, 0, vocabSize - 1))
    if (foreign !== undefined) throw invalid(`token ${foreign} is outside the vocabulary of ${vocabSize}`)
    if (length + all.length > contextLength) {
      throw new EngineError(
        'CONTEXT_FULL',
        `sequence ${sequence} would have ${length + all.length} tokens, the model takes ${contextLength}`,
      )
    }
    rows += all.length
  }
  if (rows > info.maxRows) throw invalid(`${rows} rows in one pass; at most ${info.maxRows} are run`)
}

/** @throws {EngineError} BATCH_INVALID unless 0 ≤ length ≤ held */
export function checkPrefix(length: number, held: number): void {
  if (!isWhole(length, 0, held)) throw invalid(`a prefix of ${length} tokens of a sequence of ${held}`)
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most
}

function invalid(message: string): EngineError {
  return new EngineError('BATCH_INVALID', message)
}

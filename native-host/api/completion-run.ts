import type { Context } from 'hono'
import type { GenerationUsage } from '../oracle/generation.ts'
import type { ApiContext } from './context.ts'
import { type ApiEnv, clientSignal } from './disconnect.ts'
import type { Gate } from './gate.ts'
import { toApiError } from './generation-error.ts'
import type { Parameters } from './parameters.ts'
import { eventStream } from './server-sent-events.ts'
import { runText, type TextEvent, type TextRun } from './text-run.ts'

/** An error in the first moments becomes a status code; later it can only be an event of the stream. */
const EARLY_MS = 250

/** How one endpoint words its answers. */
export interface Wording {
  /** Where the prompt stands in the request, for errors. */
  readonly promptField: string
  /** Chunks of the stream for one event. */
  chunks(event: TextEvent): readonly object[]
  /** The first chunks, before any text. */
  opening(): readonly object[]
  /** The whole answer. */
  answer(events: readonly TextEvent[]): object
}

/** Generates, and answers as a stream or as a whole. */
export async function respond(
  c: Context<ApiEnv>,
  api: ApiContext,
  gate: Gate,
  run: TextRun,
  wording: Wording,
): Promise<Response> {
  const leave = gate.enter()
  const { signal, end } = clientSignal(c)
  const failed = (error: unknown) => {
    const apiError = toApiError(error, api.generator.status(), wording.promptField)
    if (apiError.status === 500) api.log.error({ err: error }, 'request failed')
    return apiError
  }
  const events = runText(api.generator, api.codec, run, signal)
  if (run.parameters.stream) {
    const chunks = allChunks(events, wording, leave)
    // The opening chunk waits for the first event, or for a moment without an error.
    const first = chunks.next()
    try {
      await Promise.race([first, new Promise((resolve) => setTimeout(resolve, EARLY_MS))])
    } catch (error) {
      throw failed(error)
    }
    return eventStream(withFirst(first, chunks), failed, () => {
      end()
      chunks.return().catch(() => {})
    })
  }
  // Nothing is written before the answer is whole, which may take minutes: that is no idle connection.
  c.env?.incoming?.socket.setTimeout(0)
  try {
    const all: TextEvent[] = []
    for await (const event of events) all.push(event)
    return c.json(wording.answer(all))
  } catch (error) {
    throw failed(error)
  } finally {
    leave()
  }
}

async function* allChunks(
  events: AsyncIterable<TextEvent>,
  wording: Wording,
  leave: () => void,
): AsyncGenerator<object, void, void> {
  try {
    let opened = false
    for await (const event of events) {
      if (!opened) yield* wording.opening()
      opened = true
      yield* wording.chunks(event)
    }
  } finally {
    leave()
  }
}

function withFirst(
  first: Promise<IteratorResult<object>>,
  rest: AsyncIterator<object>,
): AsyncIterator<object> {
  let waiting: Promise<IteratorResult<object>> | null = first
  return {
    next() {
      const result = waiting ?? rest.next()
      waiting = null
      return result
    },
  }
}

/** OpenAI's account of a request. Drafts that were not confirmed are no part of completion_tokens. */
export function usageOf(usage: GenerationUsage): object {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens, audio_tokens: 0 },
    completion_tokens_details: {
      accepted_prediction_tokens: usage.acceptedDrafts,
      rejected_prediction_tokens: usage.rejectedDrafts,
      reasoning_tokens: 0,
      audio_tokens: 0,
    },
  }
}

/** Shard's own field of every answer and chunk: the scope that applied, and the seed as text (it may pass 2^53). */
export function shardFacts({ scope, seed }: Parameters): { scope: string; seed: string } {
  return { scope, seed: String(seed) }
}

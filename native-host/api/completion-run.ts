import type { Context } from 'hono'
import type { GenerationUsage } from '../oracle/generation.ts'
import type { ApiContext } from './context.ts'
import { type ApiEnv, clientSignal } from './disconnect.ts'
import type { Gate } from './gate.ts'
import { toApiError } from './generation-error.ts'
import type { ModelLease } from './model-host.ts'
import type { Parameters } from './parameters.ts'
import { eventStream } from './server-sent-events.ts'
import { runText, type TextEvent, type TextRun } from './text-run.ts'

/** An error in the first moments becomes a status code; later it can only be an event of the stream. */
const EARLY_MS = 250

/** How one endpoint words its answers. */
export interface Wording {
  /** Chunks of the stream for one event. */
  chunks(event: TextEvent): readonly object[]
  /** The first chunks, before any text. */
  opening(): readonly object[]
  /** The whole answer. */
  answer(events: readonly TextEvent[]): object
}

/** A request of one endpoint, checked as far as it can be without its model. */
export interface Completion {
  readonly parameters: Parameters
  /** Where the prompt stands in the request, for errors. */
  readonly promptField: string
  /** What is generated, and its wording, on the loaded model. @throws {ApiError} 400 */
  begin(lease: ModelLease): { readonly run: TextRun; readonly wording: Wording }
}

interface WordedEvent {
  readonly wording: Wording
  readonly event: TextEvent
}

/** Waits for the model, generates, and answers as a stream or as a whole. */
export async function respond(
  c: Context<ApiEnv>,
  api: ApiContext,
  gate: Gate,
  completion: Completion,
): Promise<Response> {
  // Before all else: a model that is not there is a status, however the answer comes.
  const model = await api.models.idOf(completion.parameters.model)
  const leave = gate.enter()
  const { signal, end } = clientSignal(c)
  const failed = (error: unknown) => {
    const apiError = toApiError(error, api.models.status(), completion.promptField)
    if (apiError.status === 500) api.log.error({ err: error }, 'request failed')
    return apiError
  }
  const events = generate(api, model, completion, signal, leave)
  if (completion.parameters.stream) {
    const chunks = allChunks(events)
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
    let words: Wording | null = null
    for await (const { wording, event } of events) {
      words = wording
      all.push(event)
    }
    return c.json(words?.answer(all) ?? null)
  } catch (error) {
    throw failed(error)
  }
}

/** Holds the model from before the first event to after the last. */
async function* generate(
  api: ApiContext,
  model: string,
  { parameters, begin }: Completion,
  signal: AbortSignal,
  leave: () => void,
): AsyncGenerator<WordedEvent, void, void> {
  try {
    const { keepAliveMs } = parameters
    const lease = await api.models.use({ model, keepAliveMs }, signal)
    try {
      const { run, wording } = begin(lease)
      for await (const event of runText(lease.generator, lease.codec, run, signal)) yield { wording, event }
    } finally {
      lease.release()
    }
  } finally {
    leave()
  }
}

async function* allChunks(events: AsyncIterable<WordedEvent>): AsyncGenerator<object, void, void> {
  let opened = false
  for await (const { wording, event } of events) {
    if (!opened) yield* wording.opening()
    opened = true
    yield* wording.chunks(event)
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

import type { AnswerPiece, GenerateEvent, GenerateRequest } from '../../shared/protocol/generate-frames.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'
import { parseChatRequest } from '../api/chat-request.ts'
import { chatRun } from '../api/chat-run.ts'
import type { TextPiece } from '../api/choice-text.ts'
import type { ApiContext } from '../api/context.ts'
import type { Gate } from '../api/gate.ts'
import { toApiError } from '../api/generation-error.ts'
import type { ModelLease } from '../api/model-host.ts'
import { runText, type TextRun } from '../api/text-run.ts'
import type { ChatService } from '../mesh/chat-service.ts'

/** The API's chat for the mesh: one request goes the same way, whether it came over HTTP or from a device. */
export function meshChat(api: ApiContext, gate: Gate, paceMs: number): ChatService {
  return {
    info() {
      const { engine, engineState, slots, running, queued, workers } = api.models.status()
      const id = api.models.currentId()
      return {
        model: engine && printable(engine.model.name),
        modelId: id && printable(id),
        contextLength: engine?.model.contextLength ?? 0,
        engine: engine ? printable(`${engine.kind}, ${engine.kernel}`) : engineState,
        paceMs,
        scope: api.scope,
        slots,
        running,
        queued,
        scouts: workers.filter(({ origin }) => origin === 'scout').map(({ id }) => id),
      }
    },

    async *answer(asked: GenerateRequest, signal: AbortSignal): AsyncGenerator<GenerateEvent, void, void> {
      const leave = gate.enter()
      try {
        const request = parseChatRequest(toBody(asked), api)
        // The device hears at once that its request is taken: loading a model may take longer than it would wait.
        const id = await api.models.idOf(request.model)
        yield { type: 'begin', model: printable(id), scope: request.scope, seed: String(request.seed) }
        const lease = await api.models.use({ model: id, keepAliveMs: request.keepAliveMs }, signal)
        try {
          yield* events(lease, chatRun(request, lease), signal)
        } finally {
          lease.release()
        }
      } finally {
        leave()
      }
    },

    failure(error: unknown) {
      const { code, type, message, status, headers } = toApiError(error, api.models.status(), 'messages')
      if (status === 500) api.log.error({ err: error }, 'request failed')
      const retryAfter = Number(headers['Retry-After'] ?? 0)
      return { code: code ?? type, message, retryAfterS: retryAfter > 0 ? retryAfter : null }
    },
  }
}

async function* events(
  { generator, codec }: ModelLease,
  run: TextRun,
  signal: AbortSignal,
): AsyncGenerator<GenerateEvent, void, void> {
  let reason: 'stop' | 'length' = 'length'
  for await (const event of runText(generator, codec, run, signal)) {
    if (event.type === 'text') yield { type: 'pieces', pieces: event.pieces.map(toPiece) }
    else if (event.type === 'finish') reason = event.reason
    else {
      const { promptTokens, cachedTokens, completionTokens, acceptedDrafts, rejectedDrafts } = event.usage
      const usage = { promptTokens, cachedTokens, tokens: completionTokens }
      yield { type: 'end', reason, usage: { ...usage, accepted: acceptedDrafts, rejected: rejectedDrafts } }
    }
  }
}

/** The same request in the HTTP API's words: there it is checked, and there the defaults are. */
function toBody(asked: GenerateRequest): Record<string, unknown> {
  const { messages, sampling = {}, maxTokens, seed, stop, scope, model } = asked
  return {
    messages,
    model,
    max_tokens: maxTokens,
    seed,
    stop,
    shard: { scope },
    temperature: sampling.temperature,
    top_k: sampling.topK,
    top_p: sampling.topP,
    min_p: sampling.minP,
    repetition_penalty: sampling.repetitionPenalty,
    frequency_penalty: sampling.frequencyPenalty,
    presence_penalty: sampling.presencePenalty,
    logit_bias: sampling.logitBias && Object.fromEntries(sampling.logitBias),
  }
}

function toPiece({ text, by }: TextPiece): AnswerPiece {
  return [text, by]
}

/** A model's name is its file's word; on the wire names are short and plain. */
function printable(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, LIMITS.nameBytes) || '?'
}

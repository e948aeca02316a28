import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { type ChatRequest, parseChatRequest } from './chat-request.ts'
import { chatRun } from './chat-run.ts'
import type { TextPiece } from './choice-text.ts'
import { respond, shardFacts, usageOf, type Wording } from './completion-run.ts'
import { type ApiContext, systemFingerprint } from './context.ts'
import type { ApiEnv } from './disconnect.ts'
import type { Gate } from './gate.ts'
import { readJson } from './json-body.ts'
import { chatLogprobs } from './logprobs.ts'
import type { ModelLease } from './model-host.ts'
import type { TextEvent } from './text-run.ts'

/** POST /v1/chat/completions */
export async function chatCompletions(c: Context<ApiEnv>, api: ApiContext, gate: Gate): Promise<Response> {
  const body = await readJson(c.req.raw, api.limits.maxBodyBytes)
  const request = parseChatRequest(body, api)
  return respond(c, api, gate, {
    parameters: request,
    promptField: 'messages',
    begin: (lease) => ({ run: chatRun(request, lease), wording: wordingOf(api, request, lease) }),
  })
}

function wordingOf(api: ApiContext, request: ChatRequest, { id, engine, codec }: ModelLease): Wording {
  const common = {
    id: `chatcmpl-${randomUUID()}`,
    created: Math.floor(Date.now() / 1000),
    model: id,
    system_fingerprint: systemFingerprint(api, id, engine),
    service_tier: 'default',
    shard: shardFacts(request),
  }
  const logprobsOf = (pieces: readonly TextPiece[]) =>
    request.logprobs ? { content: chatLogprobs(codec, pieces), refusal: null } : null
  const chunk = (choices: readonly object[], usage?: object) => ({
    object: 'chat.completion.chunk',
    ...common,
    choices,
    ...(request.includeUsage ? { usage: usage ?? null } : {}),
  })
  const delta = (index: number, fields: object, reason: string | null, pieces: readonly TextPiece[] = []) =>
    chunk([{ index, delta: fields, logprobs: logprobsOf(pieces), finish_reason: reason, ...drafted(pieces) }])

  return {
    opening: () =>
      Array.from({ length: request.n }, (_, index) =>
        delta(index, { role: 'assistant', content: '', refusal: null }, null),
      ),
    chunks(event) {
      if (event.type === 'text')
        return [delta(event.choice, { content: textOf(event.pieces) }, null, event.pieces)]
      if (event.type === 'finish') return [delta(event.choice, {}, event.reason)]
      return request.includeUsage ? [chunk([], usageOf(event.usage))] : []
    },
    answer(events) {
      const choices = Array.from({ length: request.n }, (_, index) => {
        const { pieces, reason } = choiceOf(events, index)
        return {
          index,
          message: { role: 'assistant', content: textOf(pieces), refusal: null, annotations: [] },
          logprobs: logprobsOf(pieces),
          finish_reason: reason,
          ...drafted(pieces),
        }
      })
      return { object: 'chat.completion', ...common, choices, usage: usageIn(events) }
    },
  }
}

export function textOf(pieces: readonly TextPiece[]): string {
  return pieces.map(({ text }) => text).join('')
}

/** Shard's own field of a choice: its text by author, `[text, worker id or null]`; the texts joined are the content. */
export function drafted(pieces: readonly TextPiece[]): object {
  return pieces.length === 0 ? {} : { shard: { tokens: pieces.map(({ text, by }) => [text, by]) } }
}

export function choiceOf(
  events: readonly TextEvent[],
  index: number,
): { pieces: TextPiece[]; reason: string } {
  const pieces: TextPiece[] = []
  let reason = 'length'
  for (const event of events) {
    if (event.type === 'usage' || event.choice !== index) continue
    if (event.type === 'text') pieces.push(...event.pieces)
    else reason = event.reason
  }
  return { pieces, reason }
}

export function usageIn(events: readonly TextEvent[]): object | null {
  const last = events.at(-1)
  return last?.type === 'usage' ? usageOf(last.usage) : null
}

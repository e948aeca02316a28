import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { choiceOf, drafted, textOf, usageIn } from './chat-completions.ts'
import type { TextPiece } from './choice-text.ts'
import { parseCompletionRequest } from './completion-request.ts'
import { respond, shardFacts, usageOf, type Wording } from './completion-run.ts'
import { type ApiContext, engineFor, modelId, systemFingerprint } from './context.ts'
import type { ApiEnv } from './disconnect.ts'
import type { Gate } from './gate.ts'
import { readJson } from './json-body.ts'
import { textLogprobs } from './logprobs.ts'

/** POST /v1/completions */
export async function textCompletions(c: Context<ApiEnv>, api: ApiContext, gate: Gate): Promise<Response> {
  const body = await readJson(c.req.raw, api.limits.maxBodyBytes)
  const vocabSize = api.generator.status().engine?.model.vocabSize ?? 0
  const request = parseCompletionRequest(body, { vocabSize, scope: api.scope })
  const engine = engineFor(api, request.model)
  const run = {
    prompts: request.prompts.map((prompt) => api.codec.completionPrompt(prompt)),
    parameters: request,
    maxTokens: request.maxTokens,
    topLogprobs: request.logprobs ?? 0,
  }
  const common = {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: modelId(engine.model),
    system_fingerprint: systemFingerprint(api, engine),
    shard: shardFacts(request),
  }
  const sent = new Map<number, number>()
  const choice = (index: number, pieces: readonly TextPiece[], reason: string | null, offset: number) => ({
    index,
    text: textOf(pieces),
    logprobs: request.logprobs === null ? null : textLogprobs(api.codec, pieces, request.logprobs, offset),
    finish_reason: reason,
    ...drafted(pieces),
  })
  const usageField = (usage: object | null) => (request.includeUsage ? { usage } : {})

  const wording: Wording = {
    promptField: 'prompt',
    opening: () => [],
    chunks(event) {
      if (event.type === 'usage')
        return request.includeUsage ? [{ ...common, choices: [], usage: usageOf(event.usage) }] : []
      const pieces = event.type === 'text' ? event.pieces : []
      const reason = event.type === 'finish' ? event.reason : null
      const offset = sent.get(event.choice) ?? 0
      sent.set(event.choice, offset + textOf(pieces).length)
      return [{ ...common, choices: [choice(event.choice, pieces, reason, offset)], ...usageField(null) }]
    },
    answer(events) {
      const choices = Array.from({ length: run.prompts.length * request.n }, (_, index) => {
        const { pieces, reason } = choiceOf(events, index)
        return choice(index, pieces, reason, 0)
      })
      return { ...common, choices, usage: usageIn(events) }
    },
  }
  return respond(c, api, gate, run, wording)
}

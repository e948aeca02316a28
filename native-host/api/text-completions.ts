import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { choiceOf, drafted, textOf, usageIn } from './chat-completions.ts'
import type { TextPiece } from './choice-text.ts'
import { type CompletionRequest, checkCompletion, parseCompletionRequest } from './completion-request.ts'
import { respond, shardFacts, usageOf, type Wording } from './completion-run.ts'
import { type ApiContext, systemFingerprint } from './context.ts'
import type { ApiEnv } from './disconnect.ts'
import type { Gate } from './gate.ts'
import { readJson } from './json-body.ts'
import { textLogprobs } from './logprobs.ts'
import type { ModelLease } from './model-host.ts'
import type { TextRun } from './text-run.ts'

/** POST /v1/completions */
export async function textCompletions(c: Context<ApiEnv>, api: ApiContext, gate: Gate): Promise<Response> {
  const body = await readJson(c.req.raw, api.limits.maxBodyBytes)
  const request = parseCompletionRequest(body, api)
  return respond(c, api, gate, {
    parameters: request,
    promptField: 'prompt',
    begin: (lease) => ({ run: runOf(request, lease), wording: wordingOf(api, request, lease) }),
  })
}

/** @throws {ApiError} 400 */
function runOf(request: CompletionRequest, { engine, codec }: ModelLease): TextRun {
  checkCompletion(request, engine.model.vocabSize)
  return {
    prompts: request.prompts.map((prompt) => codec.completionPrompt(prompt)),
    parameters: request,
    maxTokens: request.maxTokens,
    topLogprobs: request.logprobs ?? 0,
  }
}

function wordingOf(api: ApiContext, request: CompletionRequest, { id, engine, codec }: ModelLease): Wording {
  const common = {
    id: `cmpl-${randomUUID()}`,
    object: 'text_completion',
    created: Math.floor(Date.now() / 1000),
    model: id,
    system_fingerprint: systemFingerprint(api, id, engine),
    shard: shardFacts(request),
  }
  const sent = new Map<number, number>()
  const choice = (index: number, pieces: readonly TextPiece[], reason: string | null, offset: number) => ({
    index,
    text: textOf(pieces),
    logprobs: request.logprobs === null ? null : textLogprobs(codec, pieces, request.logprobs, offset),
    finish_reason: reason,
    ...drafted(pieces),
  })
  const usageField = (usage: object | null) => (request.includeUsage ? { usage } : {})

  return {
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
      const choices = Array.from({ length: request.prompts.length * request.n }, (_, index) => {
        const { pieces, reason } = choiceOf(events, index)
        return choice(index, pieces, reason, 0)
      })
      return { ...common, choices, usage: usageIn(events) }
    },
  }
}

import type { EngineInfo } from '../../shared/engine/engine.ts'
import { type ChatRequest, parseChatRequest } from './chat-request.ts'
import { type ApiContext, engineFor } from './context.ts'
import type { TextRun } from './text-run.ts'

/** A chat request that stood every check, ready to run. */
export interface ChatRun {
  readonly request: ChatRequest
  readonly engine: EngineInfo
  readonly run: TextRun
}

/** From a request's JSON, wherever it came from, to tokens. @throws {ApiError} 400, 404, 503 */
export function chatRun(api: ApiContext, body: Record<string, unknown>): ChatRun {
  const vocabSize = api.generator.status().engine?.model.vocabSize ?? 0
  const request = parseChatRequest(body, { vocabSize, scope: api.scope })
  const engine = engineFor(api, request.model)
  const prompt = api.codec.encodeChat(request.messages)
  return {
    request,
    engine,
    run: {
      prompts: [prompt],
      parameters: request,
      // Room for the answer.
      maxTokens: request.maxTokens ?? Math.max(1, engine.model.contextLength - prompt.length),
      topLogprobs: request.topLogprobs,
    },
  }
}

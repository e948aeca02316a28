import type { ChatRequest } from './chat-request.ts'
import type { ModelLease } from './model-host.ts'
import { checkBias } from './parameters.ts'
import type { TextRun } from './text-run.ts'

/** A checked chat request on the model that it is for: from messages to tokens. @throws {ApiError} 400 */
export function chatRun(request: ChatRequest, { engine, codec }: ModelLease): TextRun {
  checkBias(request, engine.model.vocabSize)
  const prompt = codec.encodeChat(request.messages)
  return {
    prompts: [prompt],
    parameters: request,
    // Room for the answer.
    maxTokens: request.maxTokens ?? Math.max(1, engine.model.contextLength - prompt.length),
    topLogprobs: request.topLogprobs,
  }
}

import { z } from 'zod'
import type { ApiError } from './api-error.ts'
import { badField } from './api-error.ts'
import { checkRequest, type Unsupported } from './check-request.ts'
import { type Bounds, commonShape, MOST_TOP_LOGPROBS, type Parameters, toParameters } from './parameters.ts'

/** A turn as chat templates take it. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface ChatRequest extends Parameters {
  readonly messages: readonly ChatMessage[]
  /** null: as far as the context reaches. */
  readonly maxTokens: number | null
  readonly logprobs: boolean
  readonly topLogprobs: number
}

const MOST_MESSAGES = 4096
const MOST_PARTS = 256

const part = z.looseObject({ type: z.string() })
const message = z.looseObject({
  role: z.string(),
  content: z.union([z.string(), z.array(part).min(1).max(MOST_PARTS), z.null()], {
    error: 'must be a text or a list of text parts',
  }),
})

const ignored = z.unknown().optional()

const schema = z.strictObject({
  ...commonShape,
  messages: z.array(message).min(1).max(MOST_MESSAGES),
  max_tokens: z.int().min(1).max(10_000_000).optional(),
  max_completion_tokens: z.int().min(1).max(10_000_000).optional(),
  logprobs: z.boolean().default(false),
  top_logprobs: z.int().min(0).max(MOST_TOP_LOGPROBS).optional(),
  response_format: z.looseObject({ type: z.string() }).optional(),
  modalities: z.array(z.string()).optional(),
  parallel_tool_calls: ignored,
  reasoning_effort: ignored,
  verbosity: ignored,
  prediction: ignored,
  moderation: ignored,
})

const UNSUPPORTED: Unsupported = {
  tools: 'this model calls no tools',
  tool_choice: 'this model calls no tools',
  functions: 'this model calls no functions',
  function_call: 'this model calls no functions',
  audio: 'this model writes text',
  web_search_options: 'this model does not search',
}

/** @throws {ApiError} 400 naming the field */
export function parseChatRequest(body: Record<string, unknown>, bounds: Bounds): ChatRequest {
  const request = checkRequest(schema, body, UNSUPPORTED)
  if (request.response_format && request.response_format.type !== 'text')
    throw badField(
      'response_format',
      `response_format ${request.response_format.type.slice(0, 40)} is not supported, only text`,
      'unsupported_value',
    )
  if (request.modalities?.some((modality) => modality !== 'text'))
    throw badField('modalities', 'only the modality text is supported', 'unsupported_value')
  if (request.top_logprobs !== undefined && !request.logprobs)
    throw badField('top_logprobs', 'top_logprobs needs logprobs: true')
  const { max_tokens: old, max_completion_tokens: current } = request
  if (old !== undefined && current !== undefined && old !== current)
    throw badField('max_tokens', 'max_tokens and max_completion_tokens differ; give one of them')
  return {
    ...toParameters(request, bounds),
    messages: request.messages.map((given, index) => toMessage(given, `messages[${index}]`)),
    maxTokens: current ?? old ?? null,
    logprobs: request.logprobs,
    topLogprobs: request.top_logprobs ?? 0,
  }
}

const ROLES: Readonly<Record<string, ChatMessage['role']>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
}

function toMessage(given: z.output<typeof message>, at: string): ChatMessage {
  const role = Object.hasOwn(ROLES, given.role) ? ROLES[given.role] : undefined
  if (!role) {
    const why =
      given.role === 'tool' || given.role === 'function' ? 'this model calls no tools' : 'unknown role'
    throw badField(`${at}.role`, `${why}: ${given.role.slice(0, 40)} (${Object.keys(ROLES).join(', ')})`)
  }
  for (const field of ['tool_calls', 'function_call', 'audio']) {
    if (given[field] != null)
      throw badField(`${at}.${field}`, `${field} is not supported`, 'unsupported_parameter')
  }
  const { content } = given
  if (content === null) throw badField(`${at}.content`, `missing required parameter: ${at}.content`)
  if (typeof content === 'string') return { role, content }
  return { role, content: content.map((one, i) => partText(one, `${at}.content[${i}]`)).join('') }
}

function partText(given: z.output<typeof part>, at: string): string {
  const text = given.type === 'refusal' ? given.refusal : given.text
  if (given.type !== 'text' && given.type !== 'refusal') throw wrongPart(given.type, at)
  if (typeof text !== 'string') throw badField(`${at}.text`, `missing required parameter: ${at}.text`)
  return text
}

function wrongPart(type: string, at: string): ApiError {
  const message = `content of type ${type.slice(0, 40)} is not supported: this model reads text only`
  return badField(`${at}.type`, message, 'unsupported_value')
}

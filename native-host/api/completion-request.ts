import { z } from 'zod'
import { badField } from './api-error.ts'
import { checkRequest, type Unsupported } from './check-request.ts'
import {
  type Bounds,
  checkBias,
  commonShape,
  MOST_CHOICES,
  type Parameters,
  toParameters,
} from './parameters.ts'

export interface CompletionRequest extends Parameters {
  readonly prompts: readonly (string | readonly number[])[]
  readonly maxTokens: number
  /** null: no logprobs asked. */
  readonly logprobs: number | null
}

/** OpenAI's default for this endpoint. */
const DEFAULT_MAX_TOKENS = 16
/** OpenAI allows 5 here; the chat endpoint has 20. */
const MOST_LOGPROBS = 5
const MOST_TOKENS = 1_000_000

const ids = z.array(z.int().min(0)).min(1).max(MOST_TOKENS)

const schema = z.strictObject({
  ...commonShape,
  prompt: z.union(
    [z.string(), ids, z.array(z.string()).min(1).max(MOST_CHOICES), z.array(ids).min(1).max(MOST_CHOICES)],
    { error: `must be a text, a list of token ids, or up to ${MOST_CHOICES} of one of these` },
  ),
  max_tokens: z.int().min(1).max(10_000_000).default(DEFAULT_MAX_TOKENS),
  logprobs: z.int().min(0).max(MOST_LOGPROBS).optional(),
  echo: z.boolean().optional(),
  suffix: z.string().optional(),
  best_of: z.int().min(1).max(MOST_CHOICES).optional(),
})

const UNSUPPORTED: Unsupported = {}

/** @throws {ApiError} 400 naming the field */
export function parseCompletionRequest(body: Record<string, unknown>, bounds: Bounds): CompletionRequest {
  const request = checkRequest(schema, body, UNSUPPORTED)
  if (request.echo) throw badField('echo', 'echo is not supported', 'unsupported_value')
  if (request.suffix) throw badField('suffix', 'suffix is not supported', 'unsupported_value')
  if (request.best_of !== undefined && request.best_of !== request.n)
    throw badField('best_of', 'best_of is not supported beyond n', 'unsupported_value')
  const prompts = toPrompts(request.prompt)
  if (prompts.length * request.n > MOST_CHOICES)
    throw badField('n', `prompts × n may be at most ${MOST_CHOICES}, not ${prompts.length * request.n}`)
  return {
    ...toParameters(request, bounds),
    prompts,
    maxTokens: request.max_tokens,
    logprobs: request.logprobs ?? null,
  }
}

/** What can only be checked once the model is known. @throws {ApiError} 400 naming the field */
export function checkCompletion(request: CompletionRequest, vocabSize: number): void {
  checkBias(request, vocabSize)
  for (const prompt of request.prompts) {
    const outside = typeof prompt === 'string' ? undefined : prompt.find((id) => id >= vocabSize)
    if (outside !== undefined)
      throw badField('prompt', `prompt has token ${outside}; this model's ids end at ${vocabSize - 1}`)
  }
}

function toPrompts(prompt: z.output<typeof schema>['prompt']): CompletionRequest['prompts'] {
  if (typeof prompt === 'string') return [prompt]
  if (typeof prompt[0] === 'number') return [prompt as number[]]
  return prompt as (string | number[])[]
}

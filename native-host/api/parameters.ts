import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Scope } from '../../shared/drafter/draft-worker.ts'
import type { SamplingSettings } from '../../shared/verify/settings.ts'
import { parseKeepAlive } from '../targets/keep-alive.ts'
import { badField } from './api-error.ts'

/** OpenAI's own limits, where it has them; the others bound what one request may cost. */
export const MOST_CHOICES = 16
export const MOST_STOPS = 4
const LONGEST_STOP = 1024
export const MOST_TOP_LOGPROBS = 20
const MOST_BIASES = 1024

const seed = z
  .union([z.bigint(), z.string().regex(/^-?\d{1,20}$/)], {
    error: 'must be a 64-bit integer (or its digits as text)',
  })
  .transform((value) => BigInt(value))
  .refine((value) => value >= -(2n ** 63n) && value < 2n ** 64n, { error: 'must fit 64 bits' })

/** As ollama has it: how long the model stays loaded afterwards. In milliseconds. */
const keepAlive = z.union([z.number(), z.string()]).transform((value, context) => {
  const ms = parseKeepAlive(value)
  if (ms !== null) return ms
  context.addIssue('must be seconds, or a duration such as "5m"; 0 unloads at once, a negative one never')
  return z.NEVER
})

/** Accepted and without effect here. */
const ignored = z.unknown()

/** What both completions endpoints take, with OpenAI's defaults. */
export const commonShape = {
  /** Absent: the one that is loaded. */
  model: z.string().max(256).optional(),
  keep_alive: keepAlive.optional(),
  stream: z.boolean().default(false),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: ignored.optional() })
    .optional(),
  temperature: z.number().min(0).max(2).default(1),
  top_p: z.number().min(0).max(1).default(1),
  /** 0 and −1 (as other servers have it) both mean off. */
  top_k: z.int().min(-1).max(1_000_000).default(0),
  min_p: z.number().min(0).max(1).default(0),
  repetition_penalty: z.number().min(0.01).max(10).default(1),
  frequency_penalty: z.number().min(-2).max(2).default(0),
  presence_penalty: z.number().min(-2).max(2).default(0),
  logit_bias: z
    .record(z.string().regex(/^\d{1,7}$/, { error: 'must be token ids' }), z.number().min(-100).max(100))
    .default({}),
  stop: z
    .union(
      [z.string().min(1).max(LONGEST_STOP), z.array(z.string().min(1).max(LONGEST_STOP)).max(MOST_STOPS)],
      { error: `must be a text or up to ${MOST_STOPS} of them, each of 1 to ${LONGEST_STOP} characters` },
    )
    .optional(),
  seed: seed.optional(),
  n: z.int().min(1).max(MOST_CHOICES).default(1),
  /** Shard's own: who may see this request's tokens, never more than the setting mesh.scope allows. */
  shard: z.strictObject({ scope: z.enum(['none', 'own', 'swarm']).optional() }).optional(),
  user: ignored.optional(),
  metadata: ignored.optional(),
  store: ignored.optional(),
  service_tier: ignored.optional(),
  safety_identifier: ignored.optional(),
  prompt_cache_key: ignored.optional(),
  prompt_cache_retention: ignored.optional(),
}

type Common = z.output<z.ZodObject<typeof commonShape>>

/** A request's settings, checked: what generates, apart from the prompt and its length. */
export interface Parameters {
  /** null: the one that is loaded. */
  readonly model: string | null
  /** null: as the settings have it. */
  readonly keepAliveMs: number | null
  readonly stream: boolean
  readonly includeUsage: boolean
  readonly settings: SamplingSettings
  readonly stop: readonly string[]
  readonly seed: bigint
  readonly n: number
  readonly scope: Scope
}

const SCOPES: readonly Scope[] = ['none', 'own', 'swarm']

export interface Bounds {
  /** The setting mesh.scope: a request may narrow it. */
  readonly scope: Scope
}

export function toParameters(request: Common, { scope }: Bounds): Parameters {
  if (request.stream_options && !request.stream)
    throw badField('stream_options', 'stream_options is only allowed when stream is true')
  const bias = Object.entries(request.logit_bias).map(([id, value]) => [Number(id), value] as const)
  if (bias.length > MOST_BIASES)
    throw badField('logit_bias', `logit_bias has more than ${MOST_BIASES} entries`)
  const asked = request.shard?.scope ?? scope
  return {
    model: request.model ?? null,
    keepAliveMs: request.keep_alive ?? null,
    stream: request.stream,
    includeUsage: request.stream_options?.include_usage ?? false,
    settings: {
      temperature: request.temperature,
      topK: Math.max(0, request.top_k),
      topP: request.top_p,
      minP: request.min_p,
      repetitionPenalty: request.repetition_penalty,
      frequencyPenalty: request.frequency_penalty,
      presencePenalty: request.presence_penalty,
      logitBias: bias,
    },
    stop: typeof request.stop === 'string' ? [request.stop] : (request.stop ?? []),
    seed: BigInt.asIntN(64, request.seed ?? randomBytes(8).readBigInt64LE()),
    n: request.n,
    scope: SCOPES[Math.min(SCOPES.indexOf(asked), SCOPES.indexOf(scope))]!,
  }
}

/** What can only be checked once the model is known. @throws {ApiError} 400 naming the field */
export function checkBias({ settings }: Parameters, vocabSize: number): void {
  const outside = settings.logitBias.find(([id]) => id >= vocabSize)
  if (outside)
    throw badField(
      'logit_bias',
      `logit_bias names token ${outside[0]}; this model's ids end at ${vocabSize - 1}`,
    )
}

import { readFileSync } from 'node:fs'

const { added_tokens } = JSON.parse(
  readFileSync(new URL('../../models/embedded/tokenizer.json', import.meta.url), 'utf8'),
) as { added_tokens: { id: number }[] }
/** Tokens that would end a text. */
const MARKERS = Object.fromEntries(added_tokens.map(({ id }) => [id, -100]))

/** One answer of an Oracle's HTTP API, with what Shard adds to it. */
export interface Answer {
  readonly text: string
  /** Ids of the workers whose drafts stand in the text. */
  readonly drafters: ReadonlySet<string>
  readonly accepted: number
  readonly rejected: number
}

export interface Question {
  readonly prompt?: string
  readonly maxTokens?: number
  readonly temperature?: number
  readonly seed?: number
  /** `none`: the Oracle alone. */
  readonly scope?: 'none' | 'own'
}

/** Asks for a text that goes on to its token limit: what a small model says, and when it would end, is its own business. */
export async function complete(url: string, question: Question, signal?: AbortSignal): Promise<Answer> {
  const {
    prompt = 'Once upon a time there was a fox who',
    maxTokens = 60,
    temperature = 0,
    seed = 1,
    scope,
  } = question
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      prompt,
      max_tokens: maxTokens,
      temperature,
      seed,
      logit_bias: MARKERS,
      ...(scope && { shard: { scope } }),
    }),
    ...(signal && { signal }),
  })
  const body = (await response.json()) as Completion
  if (!response.ok) throw new Error(`the Oracle answered ${response.status}: ${JSON.stringify(body)}`)
  const [choice] = body.choices
  const { accepted_prediction_tokens: accepted, rejected_prediction_tokens: rejected } =
    body.usage.completion_tokens_details
  const drafters = new Set((choice!.shard?.tokens ?? []).flatMap(([, by]) => (by === null ? [] : [by])))
  return { text: choice!.text, drafters, accepted, rejected }
}

interface Completion {
  readonly choices: readonly {
    readonly text: string
    readonly shard?: { readonly tokens: readonly (readonly [string, string | null])[] }
  }[]
  readonly usage: {
    readonly completion_tokens_details: {
      readonly accepted_prediction_tokens: number
      readonly rejected_prediction_tokens: number
    }
  }
}

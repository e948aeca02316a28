import { sseData } from '../../../shared/api/sse-data.ts'

/** When tokens of one answer came, in milliseconds, and how many at once. */
type Arrivals = readonly { readonly at: number; readonly tokens: number; readonly drafted: number }[]

export interface Rate {
  readonly tokensPerSecond: number
  /** Drafted tokens over all. */
  readonly draftedShare: number
}

export interface Load {
  readonly url: string
  readonly users: number
  /** The number of the first of them, for each has a text of its own. */
  readonly first?: number
  readonly maxTokens: number
  /** `none`: the Oracle alone. */
  readonly scope: 'none' | 'own'
}

interface Chunk {
  readonly choices: readonly {
    readonly shard?: { readonly tokens: readonly (readonly [text: string, by: string | null])[] }
  }[]
}

/** Users that ask at once. What counts is the time in which all of them are being answered. */
export async function measureRate(load: Load): Promise<Rate> {
  const { users, first = 0 } = load
  const answers = await Promise.all(Array.from({ length: users }, (_, i) => answer(load, first + i)))
  const from = Math.max(...answers.map((arrivals) => arrivals[0]!.at))
  const to = Math.min(...answers.map((arrivals) => arrivals.at(-1)!.at))
  const counted = answers.flatMap((arrivals) => arrivals.filter(({ at }) => at > from && at <= to))
  const tokens = counted.reduce((sum, arrival) => sum + arrival.tokens, 0)
  const drafted = counted.reduce((sum, arrival) => sum + arrival.drafted, 0)
  if (to <= from) throw new Error('the answers do not overlap: ask for more tokens')
  return { tokensPerSecond: (1000 * tokens) / (to - from), draftedShare: drafted / Math.max(1, tokens) }
}

async function answer({ url, maxTokens, scope }: Load, user: number): Promise<Arrivals> {
  const response = await fetch(`${url}/v1/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    // One seed per user: the same text in every run, which is what a replay needs.
    body: JSON.stringify({
      prompt: `Story ${user}:`,
      ...{ max_tokens: maxTokens, temperature: 1, seed: 1000 + user, stream: true, shard: { scope } },
    }),
  })
  if (!response.ok) throw new Error(`the Oracle answered ${response.status}: ${await response.text()}`)
  const arrivals: { at: number; tokens: number; drafted: number }[] = []
  for await (const data of sseData(response.body!)) {
    const tokens = (JSON.parse(data) as Chunk).choices[0]?.shard?.tokens ?? []
    const drafted = tokens.filter(([, by]) => by !== null).length
    if (tokens.length > 0) arrivals.push({ at: performance.now(), tokens: tokens.length, drafted })
  }
  if (arrivals.length < 2) throw new Error('the answer is too short to be measured')
  return arrivals
}

import type {
  GeneratedToken,
  GenerationEvent,
  GenerationRequest,
  GenerationUsage,
} from '../../native-host/oracle/generation.ts'
import { GREEDY } from '../../shared/verify/settings.ts'

/** A signal that never aborts. */
export const NEVER = new AbortController().signal

/** A request with everything that a test does not care about. */
export function generationRequest(
  prompt: readonly number[],
  more: Partial<GenerationRequest> = {},
): GenerationRequest {
  return {
    prompt,
    settings: GREEDY,
    key: { lo: 1, hi: 2 },
    maxTokens: 20,
    stopTokens: [],
    topLogprobs: 0,
    scope: 'own',
    ...more,
  }
}

export interface Answer {
  readonly ids: readonly number[]
  readonly tokens: readonly GeneratedToken[]
  readonly finish: string
  readonly usage: GenerationUsage
}

/** Reads a generation to its end. */
export async function answer(
  events: AsyncIterable<GenerationEvent>,
  onTokens: (tokens: readonly GeneratedToken[]) => void = () => {},
): Promise<Answer> {
  const tokens: GeneratedToken[] = []
  for await (const event of events) {
    if (event.type === 'done') {
      return { ids: tokens.map(({ id }) => id), tokens, finish: event.finish, usage: event.usage }
    }
    tokens.push(...event.tokens)
    onTokens(event.tokens)
  }
  throw new Error('the events ended without `done`')
}

import type { Scope } from '../../shared/drafter/draft-worker.ts'
import { choiceKey, keyFromSeed } from '../../shared/verify/noise.ts'
import type { FinishReason, GenerationUsage, Generator } from '../oracle/generation.ts'
import { ChoiceText, type TextPiece } from './choice-text.ts'
import { merge } from './merge.ts'
import type { Parameters } from './parameters.ts'
import type { TextCodec } from './text-codec.ts'

export interface TextRun {
  readonly prompts: readonly (readonly number[])[]
  readonly parameters: Parameters
  readonly maxTokens: number
  readonly topLogprobs: number
}

/** `choice` counts over prompts × n, as OpenAI's `index` does. */
export type TextEvent =
  | { readonly type: 'text'; readonly choice: number; readonly pieces: readonly TextPiece[] }
  | { readonly type: 'finish'; readonly choice: number; readonly reason: FinishReason }
  | { readonly type: 'usage'; readonly usage: GenerationUsage }

/**
 * Generates all choices at once; the last event is the sum of their usage. The signal, or leaving the loop, frees
 * their slots.
 * @throws {GenerationError}
 */
export async function* runText(
  generator: Generator,
  codec: TextCodec,
  run: TextRun,
  signal: AbortSignal,
): AsyncGenerator<TextEvent, void, void> {
  const over = new AbortController()
  const either = AbortSignal.any([signal, over.signal])
  const { n } = run.parameters
  const choices = run.prompts.flatMap((prompt, p) =>
    Array.from({ length: n }, (_, i) => runChoice(generator, codec, run, prompt, i, p * n + i, either)),
  )
  let sum: GenerationUsage | null = null
  try {
    for await (const event of merge(choices)) {
      // The choices of one prompt share it: it counts once.
      if (event.type === 'usage') sum = addUsage(sum, event.usage, event.choice % n === 0)
      else yield event
    }
  } finally {
    over.abort()
  }
  if (sum) yield { type: 'usage', usage: sum }
}

type ChoiceEvent =
  | Exclude<TextEvent, { type: 'usage' }>
  | { readonly type: 'usage'; readonly choice: number; readonly usage: GenerationUsage }

async function* runChoice(
  generator: Generator,
  codec: TextCodec,
  { parameters, maxTokens, topLogprobs }: TextRun,
  prompt: readonly number[],
  ofPrompt: number,
  choice: number,
  signal: AbortSignal,
): AsyncGenerator<ChoiceEvent, void, void> {
  const stopTokens = generator.status().engine?.model.endTokens ?? []
  const text = new ChoiceText(codec, stopTokens, parameters.stop)
  const events = generator.generate(
    {
      prompt,
      settings: parameters.settings,
      key: choiceKey(keyFromSeed(parameters.seed), ofPrompt),
      maxTokens,
      stopTokens,
      topLogprobs,
      scope: parameters.scope,
      isStop: (token) => text.decide(token),
    },
    signal,
  )
  for await (const event of events) {
    if (event.type === 'tokens') {
      const pieces = event.tokens.flatMap((token) => text.take(token))
      if (pieces.length > 0) yield { type: 'text', choice, pieces }
      continue
    }
    const rest = text.finish()
    if (rest.length > 0) yield { type: 'text', choice, pieces: rest }
    yield { type: 'finish', choice, reason: event.finish }
    yield { type: 'usage', choice, usage: event.usage }
  }
}

function addUsage(sum: GenerationUsage | null, one: GenerationUsage, withPrompt: boolean): GenerationUsage {
  return {
    promptTokens: (sum?.promptTokens ?? 0) + (withPrompt ? one.promptTokens : 0),
    cachedTokens: (sum?.cachedTokens ?? 0) + (withPrompt ? one.cachedTokens : 0),
    completionTokens: (sum?.completionTokens ?? 0) + one.completionTokens,
    acceptedDrafts: (sum?.acceptedDrafts ?? 0) + one.acceptedDrafts,
    rejectedDrafts: (sum?.rejectedDrafts ?? 0) + one.rejectedDrafts,
    scope: narrower(sum?.scope ?? one.scope, one.scope),
  }
}

function narrower(a: Scope, b: Scope): Scope {
  const order: readonly Scope[] = ['none', 'own', 'swarm']
  return order[Math.min(order.indexOf(a), order.indexOf(b))]!
}

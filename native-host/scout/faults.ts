import type { DraftFrame } from '../../shared/drafter/draft-worker.ts'
import type { Drafter, DraftSequence } from '../../shared/drafter/drafter.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'

/**
 * Ways for a Scout to be bad, so that tests can show that the text stays the same. Only a hidden option selects them.
 * - `wrong:P`    each token is replaced with probability P by another
 * - `garbage`    every token is random
 * - `slow:MS`    each token takes MS milliseconds longer
 * - `silent`     takes assignments and never drafts
 * - `liar`       claims the highest speed and capacity, and drafts garbage
 * - `hostile:P`  a Draft breaks the protocol with probability P (position, epoch, window or vocabulary)
 */
export type Fault =
  | { readonly kind: 'wrong' | 'hostile'; readonly chance: number }
  | { readonly kind: 'slow'; readonly ms: number }
  | { readonly kind: 'garbage' | 'silent' | 'liar' }

export function parseFault(text: string): Fault {
  const [kind, value] = text.split(':')
  const number = Number(value)
  if ((kind === 'wrong' || kind === 'hostile') && number > 0 && number <= 1) return { kind, chance: number }
  if (kind === 'slow' && number > 0 && number <= 60_000) return { kind, ms: number }
  if ((kind === 'garbage' || kind === 'silent' || kind === 'liar') && value === undefined) return { kind }
  throw new Error(`unknown fault ${text}: expected wrong:P, hostile:P, slow:MS, garbage, silent or liar`)
}

/** The drafter with its fault. `hostile` is a fault of the frames: see `hostileFrame`. */
export function faultyDrafter(drafter: Drafter, fault: Fault): Drafter {
  return {
    model: drafter.model,
    tokenizerHash: drafter.tokenizerHash,
    vocabSize: drafter.vocabSize,
    contextLength: drafter.contextLength,
    capacity: fault.kind === 'liar' ? LIMITS.capacity : drafter.capacity,
    open: async (task) => faultySequence(await drafter.open(task), drafter.vocabSize, fault),
  }
}

function faultySequence(sequence: DraftSequence, vocabSize: number, fault: Fault): DraftSequence {
  const random = () => Math.floor(Math.random() * vocabSize)
  /** Replaces drafted tokens in the sequence too: it goes on from what it says. */
  const replaced = (tokens: readonly number[], chance: number) => {
    const others = tokens.map((token) => (Math.random() < chance ? random() : token))
    sequence.rollback(sequence.length - tokens.length)
    sequence.append(others)
    return others
  }
  return {
    get length() {
      return sequence.length
    },
    append: (tokens) => sequence.append(tokens),
    rollback: (length) => sequence.rollback(length),
    close: () => sequence.close(),
    async next(most, signal) {
      switch (fault.kind) {
        case 'silent':
          return aborted(signal)
        case 'slow':
          await pause(fault.ms, signal)
          return sequence.next(most, signal)
        case 'wrong':
          return replaced(await sequence.next(most, signal), fault.chance)
        case 'garbage':
        case 'liar':
          return replaced(await sequence.next(most, signal), 1)
        case 'hostile':
          return sequence.next(most, signal)
      }
    },
  }
}

/** A Draft that no honest Scout sends. */
export function hostileFrame(frame: DraftFrame, vocabSize: number): DraftFrame {
  const ways: DraftFrame[] = [
    { ...frame, position: frame.position + 7 },
    { ...frame, position: 2 ** 31 },
    { ...frame, epoch: frame.epoch + 1000 },
    { ...frame, tokens: Array.from({ length: 300 }, () => 1) },
    { ...frame, tokens: [vocabSize] },
    { ...frame, tokens: [] },
  ]
  return ways[Math.floor(Math.random() * ways.length)] as DraftFrame
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        reject(signal.reason)
      },
      { once: true },
    )
  })
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { ChoiceText, type TextPiece } from '../../../native-host/api/choice-text.ts'
import type { GeneratedToken } from '../../../native-host/oracle/generation.ts'
import { Tokenizer } from '../../../shared/tokenizer/tokenizer.ts'

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../models/embedded/${name}`, import.meta.url), 'utf8'))
const END = 4095
let tokenizer: Tokenizer
beforeAll(async () => {
  tokenizer = await Tokenizer.load(read('tokenizer.json'), read('tokenizer_config.json'))
})

/** Runs tokens as the Oracle does: decided one by one until a stop, taken in passes of `batch`. */
function run(ids: readonly number[], stops: readonly string[], batch: number) {
  const text = new ChoiceText({ ...codec(), tokenBytes: (id) => tokenizer.tokenBytes(id) }, [END], stops)
  const tokens = ids.map(
    (id, i): GeneratedToken => ({
      id,
      logprob: -i,
      top: [],
      drafted: i % 2 === 1,
      by: i % 2 === 1 ? 'scout' : null,
    }),
  )
  const shown: TextPiece[] = []
  let stopped = false
  for (let at = 0; at < tokens.length && !stopped; at += batch) {
    const emitted: GeneratedToken[] = []
    for (const token of tokens.slice(at, at + batch)) {
      emitted.push(token)
      stopped = text.decide(token)
      if (stopped) break
    }
    for (const token of emitted) shown.push(...text.take(token))
  }
  shown.push(...text.finish())
  return { shown, stopped, text: shown.map((piece) => piece.text).join('') }
}

const codec = () => ({
  completionPrompt: () => [],
  encodeChat: () => [],
  tokenName: (id: number) => tokenizer.tokenName(id),
})

const words = fc.string({
  unit: fc.constantFrom('a', 'b', ' the', '\n', 'é', '💥', '漢', ' fox'),
  maxLength: 30,
})

describe('the text of a choice', () => {
  it('is the text of its tokens, whole characters only, by the right authors', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 1, max: 9 }), (source, batch) => {
        const ids = tokenizer.encode(source)
        const { shown, text, stopped } = run([...ids, END], [], batch)
        expect(stopped).toBe(false)
        expect(text).toBe(source)
        expect(shown.flatMap(({ token }) => (token ? [token.id] : []))).toEqual(ids)
        for (const { text: part } of shown) expect(part.isWellFormed()).toBe(true)
        const byScout = shown.filter(({ by, token }) => by === 'scout' && token).length
        expect(byScout).toBe(Math.floor(ids.length / 2))
      }),
      { numRuns: 300 },
    )
  })

  it('ends before the first stop string, wherever tokens and passes end', () => {
    fc.assert(
      fc.property(
        words,
        fc.nat(20),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (source, from, length, batch) => {
          const characters = [...source]
          const stop = characters.slice(from, from + length).join('')
          fc.pre(stop !== '')
          const ids = tokenizer.encode(source)
          const { text, stopped, shown } = run(ids, [stop], batch)
          expect(stopped).toBe(true)
          expect(text).toBe(source.slice(0, source.indexOf(stop)))
          // No token is reported whose text lies wholly past the cut.
          const bytes = shown.flatMap(({ token }) => (token ? [...tokenizer.tokenBytes(token.id)] : []))
          expect(Buffer.from(bytes).toString().startsWith(text)).toBe(true)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('shows broken bytes as one replacement character at the end', () => {
    const ids = tokenizer.encode('💥')
    expect(ids.length).toBeGreaterThan(1)
    expect(run(ids.slice(0, -1), [], 1).text).toBe('\ufffd')
  })

  it('shows what was held back when the answer ends', () => {
    expect(run(tokenizer.encode('a story of ST'), ['STOP'], 2).text).toBe('a story of ST')
  })
})

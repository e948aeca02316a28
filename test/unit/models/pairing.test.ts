import { expect, it } from 'vitest'
import { pairingsOf } from '../../../native-host/models/pairing.ts'
import { Registry } from '../../../native-host/models/registry.ts'

const registry = Registry.load()
const model = (name: string, tokenizerHash: string | null, parameters = 1, entry: string | null = null) => ({
  name,
  tokenizerHash,
  parameters,
  entry,
})

it('the registry’s partners, confirmed or refused by the tokenizers that are here', () => {
  const target = model('my-bonsai', 'aa', 8, 'ternary-bonsai-8b')
  expect(pairingsOf(target, [target], registry)).toEqual([
    { name: 'ternary-bonsai-1.7b', as: 'draft', tokenizer: 'unconfirmed', installed: false },
    { name: 'qwen3-0.6b', as: 'draft', tokenizer: 'unconfirmed', installed: false },
  ])
  const same = pairingsOf(target, [target, model('ternary-bonsai-1.7b', 'aa')], registry)
  expect(same[0]).toEqual({ name: 'ternary-bonsai-1.7b', as: 'draft', tokenizer: 'same', installed: true })
  const other = pairingsOf(target, [model('ternary-bonsai-1.7b', 'bb')], registry)
  expect(other[0]).toMatchObject({ tokenizer: 'different', installed: true })
})

it('models that nobody listed, by their tokenizers; the smaller one drafts', () => {
  const here = [
    model('large', 'aa', 9),
    model('small', 'aa', 1),
    model('alien', 'bb', 1),
    model('dumb', null, 1),
  ]
  const mine = model('mine', 'aa', 5)
  expect(pairingsOf(mine, [mine, ...here], registry)).toEqual([
    { name: 'large', as: 'target', tokenizer: 'same', installed: true },
    { name: 'small', as: 'draft', tokenizer: 'same', installed: true },
  ])
  expect(pairingsOf(model('silent', null, 5), here, registry)).toEqual([])
})

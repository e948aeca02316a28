import type { Registry } from './registry.ts'

/** A model whose tokenizer is known by its hash, or not yet. */
export interface Pairable {
  readonly name: string
  readonly tokenizerHash: string | null
  readonly parameters: number | null
}

export interface Pairing {
  readonly name: string
  readonly as: 'draft' | 'target'
  /**
   * `same`: the hashes are equal; `different`: they are not, so that the two do not pair whatever a list says;
   * `unconfirmed`: the registry lists the pair, and one of the two is not here to be looked at.
   */
  readonly tokenizer: 'same' | 'different' | 'unconfirmed'
  readonly installed: boolean
}

/** With which models one pairs: those that are here, by their tokenizers, and those that the registry lists with it. */
export function pairingsOf(
  model: Pairable & { readonly entry: string | null },
  here: readonly (Pairable & { readonly entry: string | null })[],
  registry: Registry,
): Pairing[] {
  const { drafts, targets } = registry.partners(model.entry ?? model.name)
  const found: Pairing[] = []
  for (const other of here) {
    if (other.name === model.name) continue
    const listed = other.entry ?? other.name
    const as = drafts.includes(listed) ? 'draft' : targets.includes(listed) ? 'target' : bySize(model, other)
    const tokenizer = compare(model.tokenizerHash, other.tokenizerHash)
    const isListed = drafts.includes(listed) || targets.includes(listed)
    if (tokenizer === 'same' || isListed) found.push({ name: other.name, as, tokenizer, installed: true })
  }
  const isHere = (name: string) => here.some(({ entry, name: own }) => (entry ?? own) === name)
  const listed = [
    ...drafts.map((name) => ({ name, as: 'draft' as const })),
    ...targets.map((name) => ({ name, as: 'target' as const })),
  ]
  for (const { name, as } of listed) {
    if (isHere(name)) continue
    const hash = registry.find(name)?.tokenizer_hash ?? null
    found.push({ name, as, tokenizer: compare(model.tokenizerHash, hash), installed: false })
  }
  return found
}

/** The smaller one drafts. */
function bySize(model: Pairable, other: Pairable): Pairing['as'] {
  return (other.parameters ?? 0) <= (model.parameters ?? 0) ? 'draft' : 'target'
}

function compare(one: string | null, other: string | null): Pairing['tokenizer'] {
  if (one === null || other === null) return 'unconfirmed'
  return one === other ? 'same' : 'different'
}

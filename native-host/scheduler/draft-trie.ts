/** One drafted token after its parent's path. */
interface TrieNode {
  readonly token: number
  readonly children: Map<number, TrieNode>
  /** Workers that drafted it, in the order of their arrival: the first is credited. */
  readonly senders: string[]
}

/** A worker's path beside what has become true. */
export interface Comparison {
  readonly hits: number
  readonly missed: boolean
}

/** The path that a pass verifies: one entry per drafted token from the root on. */
export interface DraftedPath {
  readonly tokens: readonly number[]
  /** Chance that the token will be emitted, never rising along the path. */
  readonly p: readonly number[]
  readonly senders: readonly (readonly string[])[]
}

export const NO_PATH: DraftedPath = { tokens: [], p: [], senders: [] }

/**
 * What is drafted for one request beyond its last true token. Each worker contributes one path, so that there are at
 * most window × workers nodes.
 */
export class DraftTrie {
  #roots = new Map<number, TrieNode>()

  /** Nodes held. */
  get size(): number {
    return count(this.#roots)
  }

  /**
   * Lays a worker's whole path from the root on. Where others drafted the same, nodes merge.
   * @returns how many nodes the worker newly sent
   */
  graft(worker: string, tokens: readonly number[]): number {
    let children = this.#roots
    let added = 0
    for (const token of tokens) {
      let node = children.get(token)
      if (node === undefined) {
        node = { token, children: new Map(), senders: [] }
        children.set(token, node)
      }
      if (!node.senders.includes(worker)) {
        node.senders.push(worker)
        added++
      }
      children = node.children
    }
    return added
  }

  /**
   * True tokens follow the root: keeps what was drafted after exactly these.
   * @returns of each worker how many of its tokens they confirm, and whether its next one differs: whether the pass took
   * them or not, for they were here before it
   */
  advance(tokens: readonly number[]): ReadonlyMap<string, Comparison> {
    const compared = new Map<string, Comparison>()
    for (const token of tokens) {
      for (const node of this.#roots.values()) {
        for (const worker of node.senders) {
          const { hits } = compared.get(worker) ?? { hits: 0 }
          compared.set(
            worker,
            node.token === token ? { hits: hits + 1, missed: false } : { hits, missed: true },
          )
        }
      }
      this.#roots = this.#roots.get(token)?.children ?? new Map()
      if (this.#roots.size === 0) break
    }
    return compared
  }

  /** Forgets a worker, and the nodes that only it sent. */
  leave(worker: string): void {
    leave(this.#roots, worker)
  }

  clear(): void {
    this.#roots = new Map()
  }

  /** The path whose tokens are worth most together, at most `limit` long. `alpha` is a worker's chance per token. */
  bestPath(limit: number, alpha: (worker: string) => number): DraftedPath {
    if (this.#roots.size === 0 || limit <= 0) return NO_PATH
    return best(this.#roots, 1, limit, alpha).path
  }
}

interface Valued {
  readonly value: number
  readonly path: { readonly tokens: number[]; readonly p: number[]; readonly senders: (readonly string[])[] }
}

/** Depth is bounded by the window. Built from the leaf back, then reversed by the caller at the root only. */
function best(
  children: ReadonlyMap<number, TrieNode>,
  parentP: number,
  limit: number,
  alpha: (worker: string) => number,
): Valued {
  const own = [...children.values()].map((node) => Math.max(...node.senders.map(alpha)))
  // Two different continuations cannot both be right.
  const share = Math.max(
    1,
    own.reduce((sum, a) => sum + a, 0),
  )
  let winner: Valued = { value: 0, path: { tokens: [], p: [], senders: [] } }
  let i = 0
  for (const node of children.values()) {
    const p = (parentP * own[i++]!) / share
    const rest =
      limit > 1 && node.children.size > 0
        ? best(node.children, p, limit - 1, alpha)
        : { value: 0, path: { tokens: [], p: [], senders: [] } }
    if (p + rest.value > winner.value) {
      rest.path.tokens.unshift(node.token)
      rest.path.p.unshift(p)
      rest.path.senders.unshift(node.senders)
      winner = { value: p + rest.value, path: rest.path }
    }
  }
  return winner
}

function leave(children: Map<number, TrieNode>, worker: string): void {
  for (const node of children.values()) {
    const at = node.senders.indexOf(worker)
    // A worker that did not send a node did not send its children either.
    if (at < 0) continue
    node.senders.splice(at, 1)
    leave(node.children, worker)
    if (node.senders.length === 0) children.delete(node.token)
  }
}

function count(children: ReadonlyMap<number, TrieNode>): number {
  let nodes = 0
  for (const node of children.values()) nodes += 1 + count(node.children)
  return nodes
}

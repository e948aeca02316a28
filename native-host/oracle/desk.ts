import type { DraftFrame } from '../../shared/drafter/draft-worker.ts'
import type { Metrics } from '../metrics.ts'
import { type DraftedPath, DraftTrie } from '../scheduler/draft-trie.ts'
import type { ActiveRequest, Outcome } from './active-request.ts'
import type { Attachment } from './attachment.ts'

/** What a pass did with one request's drafts. */
export interface DraftedPass {
  readonly path: DraftedPath
  readonly outcome: Outcome
  /** What each draft row added, in milliseconds. */
  readonly draftRowMs: number
}

/** What a worker did for one request in a pass. */
export interface Contribution {
  readonly attachment: Attachment
  readonly accepted: number
  readonly extraMs: number
  readonly waitedMs: number
}

/** The worker that is expected to send next. */
export interface Prospect {
  readonly attachment: Attachment
  /** Tokens of its path beyond the last true one. */
  readonly ahead: number
  /** When its next tokens should be here, in milliseconds from now, rising. */
  readonly due: readonly number[]
  readonly alpha: number
}

/** One request's drafts and drafters. */
export class Desk {
  readonly request: ActiveRequest
  /** Workers that drafted what its prompt begins with. */
  readonly preferred: readonly string[]
  /** Workers that broke the protocol here. */
  readonly avoided = new Set<string>()
  /** Everybody whose token was confirmed here, for the next turn of the conversation. */
  readonly helpers = new Set<string>()
  readonly #trie = new DraftTrie()
  readonly #vocabSize: number
  readonly #metrics: Metrics
  #attachments: readonly Attachment[] = []

  constructor(request: ActiveRequest, preferred: readonly string[], vocabSize: number, metrics: Metrics) {
    this.request = request
    this.preferred = preferred
    this.#vocabSize = vocabSize
    this.#metrics = metrics
  }

  get attachments(): readonly Attachment[] {
    return this.#attachments
  }

  /** Attached workers of one kind. */
  team(origin: 'scout' | 'local'): readonly Attachment[] {
    return this.#attachments.filter(({ worker }) => worker.origin === origin)
  }

  /** Nodes held. */
  get nodes(): number {
    return this.#trie.size
  }

  attach(attachment: Attachment): void {
    this.#attachments = [...this.#attachments, attachment]
  }

  /** A worker leaves, and what only it drafted. */
  detach(attachment: Attachment): void {
    this.#attachments = this.#attachments.filter((other) => other !== attachment)
    const before = this.#trie.size
    this.#trie.leave(attachment.worker.id)
    this.#count('untested', before - this.#trie.size)
  }

  /** The request is over: nobody will test what is left. */
  close(): void {
    this.#count('untested', this.#trie.size)
  }

  /** Grafts what has arrived since the last pass, against the tokens decided meanwhile. */
  graft(): void {
    for (const attachment of this.#attachments) {
      for (const { frame, decidedBefore } of attachment.take()) {
        if (!this.#graft(attachment, frame, decidedBefore)) break
      }
    }
  }

  /** What the next pass may verify. */
  path(): DraftedPath {
    const { request } = this
    const alphas = new Map(this.#attachments.map(({ worker, alpha }) => [worker.id, alpha]))
    // The last token of all comes from the row before it.
    return this.#trie.bestPath(request.end - request.tokens.length - 1, (worker) => alphas.get(worker) ?? 0)
  }

  /** Whose next draft is worth most; null when nothing is due. */
  prospect(): Prospect | null {
    let best: Prospect | null = null
    let bestValue = 0
    for (const attachment of this.#attachments) {
      const due = attachment.due()
      if (due[0] === undefined) continue
      const { alpha } = attachment
      const value = alpha / (1 + due[0])
      if (value <= bestValue) continue
      bestValue = value
      best = { attachment, ahead: attachment.path.live(this.request.tokens), due, alpha }
    }
    return best
  }

  /**
   * A pass has ended: accounts, acceptance, the trie's new root, and the news to the workers. Returns what those did who
   * have sent anything yet.
   */
  passed({ path, outcome, draftRowMs }: DraftedPass): readonly Contribution[] {
    const { accepted, rejected, tokens, finish } = outcome
    const { rowsOf, confirmedBy } = this.#credit(path, outcome)
    const before = this.#trie.size
    const compared = this.#trie.advance(tokens.map((token) => token.id))
    const tested = accepted + (rejected ? 1 : 0)
    this.#count('accepted', accepted)
    this.#count('rejected', rejected ? 1 : 0)
    this.#count('untested', Math.max(0, before - this.#trie.size - tested))
    return this.#attachments.flatMap((attachment) => {
      const { id } = attachment.worker
      const { hits, missed } = compared.get(id) ?? { hits: 0, missed: false }
      attachment.observe(hits, missed ? 1 : 0)
      const { waitedMs } = attachment
      attachment.waitedMs = 0
      if (finish === null) attachment.tell()
      if (attachment.frames === 0) return []
      const extraMs = (rowsOf.get(id) ?? 0) * draftRowMs
      return [{ attachment, accepted: confirmedBy.get(id) ?? 0, extraMs, waitedMs }]
    })
  }

  /** Notes for each worker what a pass showed of it. Returns whose rows took part, and whose of them were confirmed. */
  #credit(path: DraftedPath, { accepted, tokens, finish }: Outcome) {
    // What lies past a cut counts for nobody.
    const counted = finish === null ? path.tokens.length : Math.min(path.tokens.length, tokens.length)
    const confirmedBy = new Map<string, number>()
    const rowsOf = new Map<string, number>()
    const byId = new Map(this.#attachments.map((attachment) => [attachment.worker.id, attachment]))
    for (let i = 0; i < counted; i++) {
      const first = path.senders[i]![0]!
      const author = byId.get(first)
      rowsOf.set(first, (rowsOf.get(first) ?? 0) + 1)
      author?.drafts(1)
      if (i < accepted) {
        confirmedBy.set(first, (confirmedBy.get(first) ?? 0) + 1)
        this.helpers.add(first)
        author?.accepts(1)
      }
    }
    return { rowsOf, confirmedBy }
  }

  #graft(attachment: Attachment, frame: DraftFrame, decidedBefore: number): boolean {
    const size = this.#vocabSize
    try {
      const foreign = frame.tokens.find((id) => !Number.isInteger(id) || id < 0 || id >= size)
      if (foreign !== undefined) throw new RangeError(`token ${foreign} is not below ${size}`)
      const { tokens } = this.request
      const { live, late, dead, hits, missed } = attachment.path.draft(frame, tokens, decidedBefore)
      this.#count('late', late)
      this.#count('untested', dead)
      attachment.observe(hits, missed ? 1 : 0)
      this.#trie.graft(attachment.worker.id, live)
      return true
    } catch (error) {
      attachment.closed ??= { reason: error instanceof Error ? error.message : 'bad frame', fault: true }
      return false
    }
  }

  #count(outcome: string, tokens: number): void {
    if (tokens > 0) this.#metrics.drafts.inc({ outcome }, tokens)
  }
}

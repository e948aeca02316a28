/** How a worker is called where people read: `Scout Ndr4`, or a drafter inside the Oracle. */
export function workerName(id: string): string {
  if (!id.startsWith('local:')) return `Scout ${id.slice(-4)}`
  return id === 'local:ngram' ? 'Prompt lookup' : 'Local drafter'
}

/** Tints there are; see tokens.css. */
const TINTS = 5

/** Which tint a worker has in one answer: in order of appearance. */
export function tintOf(workers: readonly string[], id: string): number {
  return Math.max(0, workers.indexOf(id)) % TINTS
}

import { LIMITS } from '../protocol/limits.ts'

/**
 * When a Scout may claim an Offer: its place, a hash of (job, peer) in [0, 1), must lie under wanted / listeners, a
 * share that doubles each second, so that about as many dial as are wanted, and more only while the offer stands.
 * @returns milliseconds after the Offer at which this Scout may claim; null when the Offer ends before
 */
export async function claimDelayMs(
  job: string,
  peerId: string,
  wanted: number,
  listeners: number,
  deadlineMs: number,
): Promise<number | null> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${job}/${peerId}`))
  const place = new DataView(digest).getUint32(0) / 2 ** 32
  const share = wanted / Math.max(wanted, listeners, 1)
  // Smallest k with share · 2^k > place.
  const doublings = place < share ? 0 : Math.floor(Math.log2(place / share)) + 1
  const delay = doublings * LIMITS.claimWideningMs
  return delay < deadlineMs ? delay : null
}

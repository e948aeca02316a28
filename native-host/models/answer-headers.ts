/** What the hub says of a file that it keeps elsewhere. */
export interface Linked {
  sha256: string | null
  size: number | null
}

export function readLinked(response: Response, linked: Linked): void {
  const etag = response.headers.get('x-linked-etag') ?? response.headers.get('etag') ?? ''
  const sha256 = /^(?:W\/)?"?([0-9a-f]{64})"?$/i.exec(etag.trim())?.[1]
  if (sha256 !== undefined) linked.sha256 ??= sha256.toLowerCase()
  const size = response.headers.get('x-linked-size') ?? ''
  if (/^\d{1,15}$/.test(size)) linked.size ??= Number(size)
}

export function lengthOf(response: Response): number | null {
  const length = response.headers.get('content-length') ?? ''
  return /^\d{1,15}$/.test(length) ? Number(length) : null
}

/** A strong ETag, or the date of the last change. */
export function validatorOf(response: Response): string | null {
  const etag = response.headers.get('etag')
  if (etag !== null && !etag.startsWith('W/')) return etag.slice(0, 200)
  return response.headers.get('last-modified')?.slice(0, 200) ?? null
}

export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => {})
}

/** Without query and fragment, where signatures are. */
export function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}

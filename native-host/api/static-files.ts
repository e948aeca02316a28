import { createHash } from 'node:crypto'
import { extname } from 'node:path'
import type { Assets } from '../packaged/assets.ts'

export interface StaticFile {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly type: string
  readonly tag: string
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.png': 'image/png',
}

/** Nothing from outside, nothing inline, in nobody's frame. */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** The built page, read once: what is not in this map does not exist, whatever path is asked for. */
export function readStaticFiles(assets: Assets, folder: string): ReadonlyMap<string, StaticFile> {
  const files = new Map<string, StaticFile>()
  for (const name of assets.list(folder)) {
    const type = TYPES[extname(name)]
    if (!type) continue
    const bytes = assets.read(name)
    const tag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    files.set(name.slice(folder.length), { bytes, type, tag })
  }
  const index = files.get('/index.html')
  if (index) files.set('/', index)
  return files
}

export function staticResponse(file: StaticFile, path: string, ifNoneMatch: string | undefined): Response {
  const headers = {
    'Content-Type': file.type,
    'Content-Security-Policy': PAGE_POLICY,
    ETag: file.tag,
    // Names under assets/ carry their content's hash.
    'Cache-Control': path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
  if (ifNoneMatch === file.tag) return new Response(null, { status: 304, headers })
  return new Response(file.bytes, { headers })
}

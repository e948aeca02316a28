import { z } from 'zod'
import { NATIVE_HOST } from '../../shared/bridge/messages.ts'
import { type AllowedExtensions, chromiumOrigin } from '../bridge/allowed-extensions.ts'

/** A manifest of a native messaging host, as far as browsers and `shard doctor` read it. */
export const manifestSchema = z.object({
  name: z.string(),
  path: z.string(),
  type: z.string(),
  allowed_origins: z.array(z.string()).optional(),
  allowed_extensions: z.array(z.string()).optional(),
})
export type Manifest = z.output<typeof manifestSchema>

export const MANIFEST_FILE = `${NATIVE_HOST}.json`

export function manifestText(
  family: 'chromium' | 'firefox',
  launcher: string,
  allowed: AllowedExtensions,
): string {
  const who =
    family === 'chromium'
      ? { allowed_origins: allowed.chromium.map(chromiumOrigin) }
      : { allowed_extensions: allowed.firefox }
  const manifest = {
    name: NATIVE_HOST,
    description: 'The Shard Oracle on this computer',
    path: launcher,
    type: 'stdio',
    ...who,
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

/** Null when it is none. */
export function parseManifest(text: string): Manifest | null {
  try {
    return manifestSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}

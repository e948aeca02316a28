import { CHROMIUM_EXTENSION_ID, FIREFOX_ADDON_ID } from '../../shared/extension/identity.ts'

/** Who may speak to the bridge: what stands in the manifests, and what the bridge checks again. */
export interface AllowedExtensions {
  readonly chromium: readonly string[]
  readonly firefox: readonly string[]
}

const CHROMIUM_ID = /^[a-p]{32}$/

/** @param more the setting bridge.extensions: ids of either kind */
export function allowedExtensions(more: readonly string[]): AllowedExtensions {
  const chromium = more.filter((id) => CHROMIUM_ID.test(id))
  const firefox = more.filter((id) => !CHROMIUM_ID.test(id))
  return {
    chromium: [...new Set([CHROMIUM_EXTENSION_ID, ...chromium])],
    firefox: [...new Set([FIREFOX_ADDON_ID, ...firefox])],
  }
}

export function chromiumOrigin(id: string): string {
  return `chrome-extension://${id}/`
}

/**
 * The extension that a browser says it starts the bridge for: Chromium's browsers give its origin (and on Windows a window
 * handle), Firefox the manifest's path and the add-on's id.
 * @returns null when it is not one of those
 */
export function allowedCaller(args: readonly string[], allowed: AllowedExtensions): string | null {
  const [first = '', second = ''] = args
  const origin = allowed.chromium.map(chromiumOrigin).find((one) => one === first)
  if (origin) return origin
  const fromManifest = first.endsWith('.json')
  return fromManifest ? (allowed.firefox.find((id) => id === second) ?? null) : null
}

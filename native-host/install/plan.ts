import { posix, win32 } from 'node:path'
import { NATIVE_HOST } from '../../shared/bridge/messages.ts'
import type { AllowedExtensions } from '../bridge/allowed-extensions.ts'
import type { BrowserPlace } from './browsers.ts'
import { type Launcher, launcher } from './launcher.ts'
import { MANIFEST_FILE, manifestText } from './manifest.ts'

/** What an installation consists of: nothing is read or written to say so. */
export interface InstallPlan {
  readonly launcher: Launcher
  /** The launcher is the first. */
  readonly files: readonly PlannedFile[]
  /** Windows: keys whose default value names a manifest. */
  readonly registry: readonly RegistryValue[]
}

export interface PlannedFile {
  readonly path: string
  readonly text: string
  readonly executable: boolean
}

export interface RegistryValue {
  readonly key: string
  readonly value: string
}

export interface PlanInput {
  readonly platform: NodeJS.Platform
  readonly env: NodeJS.ProcessEnv
  /** The launcher's folder, and on Windows the manifests'. */
  readonly folder: string
  readonly command: readonly string[]
  readonly places: readonly BrowserPlace[]
  readonly allowed: AllowedExtensions
}

export function planInstall({ platform, env, folder, command, places, allowed }: PlanInput): InstallPlan {
  const start = launcher(folder, command, platform, env)
  const files: PlannedFile[] = [{ path: start.path, text: start.text, executable: true }]
  const registry: RegistryValue[] = []
  for (const { family, manifests } of places) {
    const text = manifestText(family, start.path, allowed)
    const inRegistry = manifests.startsWith('HKCU\\')
    const path = inRegistry
      ? win32.join(folder, `${family}.json`)
      : (platform === 'win32' ? win32 : posix).join(manifests, MANIFEST_FILE)
    // Some browsers share a place.
    if (!files.some((file) => file.path === path)) files.push({ path, text, executable: false })
    if (!inRegistry) continue
    const key = `${manifests}\\${NATIVE_HOST}`
    if (!registry.some((value) => value.key === key)) registry.push({ key, value: path })
  }
  return { launcher: start, files, registry }
}

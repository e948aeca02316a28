import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ShardError } from '../daemon/shard-error.ts'
import { type Home, settingsFile } from '../settings/home.ts'
import type { BrowserPlace } from './browsers.ts'
import { isOurManifest } from './install.ts'
import { MANIFEST_FILE } from './manifest.ts'
import { type InstallRecord, installFolder, readRecord, recordFile, sha256 } from './record.ts'
import type { Registry } from './registry.ts'
import type { Step } from './step.ts'

export interface UninstallOptions {
  readonly home: Home
  readonly registry: Registry
  /** Where browsers look: a manifest of ours that no record knows of is found there. */
  readonly places: readonly BrowserPlace[]
  /** Where `install` puts the launcher. */
  readonly launcher: string
  readonly dryRun: boolean
  /** Keys, pairings, models and settings, too. */
  readonly purge: boolean
}

/** What Shard keeps in the data folder beside the installation, by name: nothing else there is ever touched. */
const DATA = ['mesh', 'scouts', 'scout', 'models'] as const
/** Remade by whoever needs them. */
const TRACES = ['run', 'log'] as const

/**
 * Takes away what `install` has written, unless somebody has changed it since, and the folders that it made, when nothing
 * else lies there. No daemon runs when this is called.
 * @throws {ShardError} CANNOT_READ, CANNOT_WRITE
 */
export async function uninstall(options: UninstallOptions): Promise<Step[]> {
  const { home, registry, places, launcher, dryRun, purge } = options
  const record = readRecord(home.data)
  const steps: Step[] = []
  const remove = (path: string) => {
    if (!existsSync(path) || steps.some((step) => 'path' in step && step.path === path)) return
    steps.push({ did: 'remove', path })
    if (!dryRun) rmSync(path, { recursive: true, force: true })
  }
  try {
    for (const { path, why } of changedFiles(record, launcher)) steps.push({ did: 'leave', path, why })
    for (const { path } of record.files) remove(path)
    for (const { manifests } of places) {
      const path = join(manifests, MANIFEST_FILE)
      if (!manifests.startsWith('HKCU\\') && isOurManifest(path, launcher)) remove(path)
    }
    for (const { key, value } of record.registry) {
      if ((await registry.get(key)) !== value) continue
      steps.push({ did: 'delete', key, value })
      if (!dryRun) await registry.delete(key)
    }
    remove(launcher)
    remove(recordFile(home.data))
    for (const name of TRACES) remove(join(home.data, name))
    remove(join(home.cache, 'unpacked'))
    if (purge) {
      remove(settingsFile(home))
      for (const name of DATA) remove(join(home.data, name))
    }
    const own = purge ? [home.config, home.data] : []
    const folders = [...record.folders, ...own, home.cache, installFolder(home.data)]
    removeEmpty([...new Set(folders)], steps, dryRun)
  } catch (cause) {
    if (cause instanceof ShardError) throw cause
    throw new ShardError('CANNOT_WRITE', `cannot remove: ${(cause as Error).message}`, { cause })
  }
  return steps
}

/** Files that are no longer as they were written: somebody wants something with them. */
function changedFiles({ files }: InstallRecord, launcher: string): { path: string; why: string }[] {
  return files.flatMap(({ path, sha256: written }) => {
    if (!existsSync(path) || sha256(readFileSync(path)) === written) return []
    if (isOurManifest(path, launcher)) return []
    return [{ path, why: 'it was changed since it was installed' }]
  })
}

/** Innermost first; a dry run takes what was removed for gone. */
function removeEmpty(folders: readonly string[], steps: Step[], dryRun: boolean): void {
  const gone = new Set(steps.flatMap((step) => (step.did === 'remove' ? [step.path] : [])))
  for (const path of folders.toSorted((a, b) => b.length - a.length)) {
    if (!existsSync(path) || readdirSync(path).some((name) => !gone.has(join(path, name)))) continue
    steps.push({ did: 'remove folder', path })
    gone.add(path)
    if (!dryRun) rmdirSync(path)
  }
}

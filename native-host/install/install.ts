import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { NATIVE_HOST } from '../../shared/bridge/messages.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { parseManifest } from './manifest.ts'
import type { InstallPlan, PlannedFile } from './plan.ts'
import { type InstallRecord, readRecord, recordFile, sha256 } from './record.ts'
import type { Registry } from './registry.ts'
import type { Step } from './step.ts'

export interface InstallOptions {
  readonly dataFolder: string
  readonly registry: Registry
  readonly dryRun: boolean
  /** Writes over what others have put there. */
  readonly force: boolean
}

/**
 * Writes what is planned, or says what it would write. Looks at everything first, so that it writes all or nothing; notes
 * what it will have made before it makes it, so that an uninstall after a power cut finds it.
 * @throws {ShardError} FOREIGN_FILE, CANNOT_WRITE, CANNOT_READ
 */
export async function install(plan: InstallPlan, options: InstallOptions): Promise<Step[]> {
  const { dataFolder, registry, dryRun, force } = options
  const before = readRecord(dataFolder)
  if (!force) await refuseForeign(plan, before, registry)
  const steps: Step[] = []
  const folders = missingFolders([recordFile(dataFolder), ...plan.files.map(({ path }) => path)])
  for (const path of folders) steps.push({ did: 'make folder', path })
  for (const file of plan.files)
    steps.push({ did: isThere(file) ? 'unchanged' : 'write', path: file.path, text: file.text })
  for (const { key, value } of plan.registry)
    if ((await registry.get(key)) !== value) steps.push({ did: 'set', key, value })
  const record = merge(before, plan, folders)
  const recordText = `${JSON.stringify(record, null, 2)}\n`
  const recordStep: Step = { did: 'write', path: recordFile(dataFolder), text: recordText }
  if (JSON.stringify(record) !== JSON.stringify(before)) steps.push(recordStep)
  if (dryRun) return steps

  try {
    for (const path of folders) mkdirSync(path, { mode: path.startsWith(dataFolder) ? 0o700 : 0o755 })
    if (steps.includes(recordStep)) writeAtomic(recordFile(dataFolder), recordText, 0o600)
    for (const file of plan.files)
      if (!isThere(file)) writeAtomic(file.path, file.text, file.executable ? 0o700 : 0o644)
  } catch (cause) {
    throw new ShardError('CANNOT_WRITE', `cannot write: ${(cause as Error).message}`, { cause })
  }
  for (const step of steps) if (step.did === 'set') await registry.set(step.key, step.value)
  return steps
}

async function refuseForeign(plan: InstallPlan, record: InstallRecord, registry: Registry): Promise<void> {
  const own = new Set(record.files.map(({ path }) => path))
  for (const file of plan.files) {
    if (!existsSync(file.path) || own.has(file.path) || isThere(file)) continue
    if (isOurManifest(file.path, plan.launcher.path)) continue
    throw new ShardError(
      'FOREIGN_FILE',
      `${file.path} is there, and this installation did not write it (another one of Shard, perhaps): --force writes over it`,
    )
  }
  const keys = new Set(record.registry.map(({ key }) => key))
  for (const { key, value } of plan.registry) {
    const now = await registry.get(key)
    if (now === null || now === value || keys.has(key)) continue
    throw new ShardError('FOREIGN_FILE', `${key} names ${now}, another program's: --force writes over it`)
  }
}

/** A manifest of this program, whatever else it says, that starts this launcher. */
export function isOurManifest(path: string, launcher: string): boolean {
  try {
    const manifest = parseManifest(readFileSync(path, 'utf8'))
    return manifest?.name === NATIVE_HOST && manifest.path === launcher
  } catch {
    return false
  }
}

function isThere({ path, text, executable }: PlannedFile): boolean {
  try {
    const mode = statSync(path).mode & 0o777
    const runs = !executable || process.platform === 'win32' || (mode & 0o100) !== 0
    return runs && readFileSync(path, 'utf8') === text
  } catch {
    return false
  }
}

/** Those above the files that are not there yet, outermost first. */
function missingFolders(files: readonly string[]): string[] {
  const missing = new Set<string>()
  for (const file of files) {
    const chain: string[] = []
    for (let folder = dirname(file); !existsSync(folder); folder = dirname(folder)) chain.unshift(folder)
    for (const folder of chain) missing.add(folder)
  }
  return [...missing]
}

function merge(before: InstallRecord, plan: InstallPlan, folders: readonly string[]): InstallRecord {
  const files = new Map(before.files.map((file) => [file.path, file.sha256]))
  for (const { path, text } of plan.files) files.set(path, sha256(text))
  const registry = new Map(before.registry.map(({ key, value }) => [key, value]))
  for (const { key, value } of plan.registry) registry.set(key, value)
  return {
    version: 1,
    files: [...files].map(([path, hash]) => ({ path, sha256: hash })),
    folders: [...new Set([...before.folders, ...folders])],
    registry: [...registry].map(([key, value]) => ({ key, value })),
  }
}

/** A browser that reads at this moment sees the old file or the new one. */
function writeAtomic(path: string, text: string, mode: number): void {
  const fresh = `${path}.${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(fresh, text, { mode, flag: 'wx' })
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw error
  }
}

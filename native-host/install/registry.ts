import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ShardError } from '../daemon/shard-error.ts'

/** The current user's registry: default values of keys. */
export interface Registry {
  get(key: string): Promise<string | null>
  set(key: string, value: string): Promise<void>
  delete(key: string): Promise<void>
}

const REG_MS = 10_000

/** By Windows' own reg.exe. */
export const windowsRegistry: Registry = {
  async get(key) {
    const out = await reg(['query', key, '/ve']).catch(() => '')
    return /\sREG_SZ\s+(.+?)\r?$/m.exec(out)?.[1] ?? null
  },
  async set(key, value) {
    await reg(['add', key, '/ve', '/t', 'REG_SZ', '/d', value, '/f'])
  },
  async delete(key) {
    await reg(['delete', key, '/f'])
  },
}

/** @throws {ShardError} CANNOT_WRITE */
async function reg(args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('reg.exe', [...args], { timeout: REG_MS, windowsHide: true })
    return stdout
  } catch (cause) {
    throw new ShardError('CANNOT_WRITE', `reg.exe ${args.join(' ')} failed: ${(cause as Error).message}`, {
      cause,
    })
  }
}

import { execFile, execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { SelfCommand } from '../../native-host/packaged/self-command.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const name = process.platform === 'win32' ? 'shard.exe' : 'shard'
let built: Promise<string> | null = null

/** Path of the single executable, made from the tree as it is; seconds when nothing changed since the last time. */
export function builtPackage(): Promise<string> {
  built ??= promisify(execFile)(process.execPath, [join(root, 'scripts', 'package.mjs'), '--no-install'], {
    cwd: root,
  }).then(() => join(root, 'build', 'package', name))
  return built
}

/** The executable, alone in a folder of its own, and an empty home: nothing of the checkout is in reach. */
export interface Installed extends AsyncDisposable {
  readonly program: SelfCommand
  readonly home: string
  readonly env: NodeJS.ProcessEnv
}

export async function installed(): Promise<Installed> {
  const executable = await builtPackage()
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'shard-package-')))
  const home = join(folder, 'home')
  await mkdir(home)
  const command = join(folder, name)
  await copyFile(executable, command)
  const unset = ['SHARD_HOME', 'XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME']
  return {
    program: { command, args: [] },
    home,
    env: {
      ...Object.fromEntries(unset.map((key) => [key, undefined])),
      ...{ HOME: home, USERPROFILE: home, APPDATA: home, LOCALAPPDATA: home },
      // No Node to be found.
      ...(process.platform !== 'win32' && { PATH: folder }),
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  }
}

/** Ids of all processes that run this executable; not on Windows. */
export function processesOf(executable: string): number[] {
  if (process.platform === 'linux')
    return readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .filter((pid) => {
        try {
          return readlinkSync(`/proc/${pid}/exe`) === executable
        } catch {
          // It ended meanwhile, or is another user's.
          return false
        }
      })
      .map(Number)
  return execFileSync('ps', ['-axo', 'pid=,command='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+) (.*)$/.exec(line))
    .filter((match) => match?.[2]?.startsWith(executable))
    .map((match) => Number(match![1]))
}

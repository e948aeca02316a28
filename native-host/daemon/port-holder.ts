import { execFile } from 'node:child_process'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { promisify } from 'node:util'

/** A process that listens on a port, as far as this user may know. */
export interface PortHolder {
  readonly pid: number | null
  readonly command: string | null
}

/** The state of a listening TCP socket in /proc/net/tcp; UDP sockets that are bound have 07. */
const LISTENING = { tcp: '0A', udp: '07' } as const

/** Who has the port; null when nobody can be found. Never throws. */
export async function portHolder(port: number, protocol: 'tcp' | 'udp' = 'tcp'): Promise<PortHolder | null> {
  try {
    const pid =
      process.platform === 'linux' ? await pidFromProc(port, protocol) : await pidFromLsof(port, protocol)
    return pid === null ? null : { pid, command: await commandOf(pid) }
  } catch {
    return null
  }
}

async function pidFromProc(port: number, protocol: 'tcp' | 'udp'): Promise<number | null> {
  const inodes = new Set<string>()
  for (const table of [`/proc/net/${protocol}`, `/proc/net/${protocol}6`]) {
    const text = await readFile(table, 'utf8').catch(() => '')
    for (const line of text.split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
      if (!local || !inode || state !== LISTENING[protocol]) continue
      if (Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port)
        inodes.add(`socket:[${inode}]`)
    }
  }
  if (inodes.size === 0) return null
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue
    // Processes of other users keep their descriptors to themselves.
    const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => [])
    for (const descriptor of descriptors) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (inodes.has(target)) return Number(pid)
    }
  }
  return null
}

async function pidFromLsof(port: number, protocol: 'tcp' | 'udp'): Promise<number | null> {
  const state = protocol === 'tcp' ? ['-sTCP:LISTEN'] : []
  const { stdout } = await promisify(execFile)('lsof', ['-nP', '-t', `-i${protocol}:${port}`, ...state], {
    timeout: 3000,
  })
  const pid = Number.parseInt(stdout, 10)
  return Number.isNaN(pid) ? null : pid
}

/** The command line, shortened for a message. */
async function commandOf(pid: number): Promise<string | null> {
  try {
    if (process.platform === 'linux') {
      const text = await readFile(`/proc/${pid}/cmdline`, 'utf8')
      return text.replaceAll('\0', ' ').trim().slice(0, 120) || null
    }
    const { stdout } = await promisify(execFile)('ps', ['-o', 'command=', '-p', String(pid)], {
      timeout: 3000,
    })
    return stdout.trim().slice(0, 120) || null
  } catch {
    return null
  }
}

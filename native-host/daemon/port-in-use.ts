import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { portHolder } from './port-holder.ts'
import { ShardError } from './shard-error.ts'

export interface Port {
  readonly protocol: 'tcp' | 'udp'
  readonly host: string
  readonly port: number
  /** The setting that says so: `api.port`. */
  readonly setting: string
}

/** A daemon answers its own health within this, even on a busy machine. */
const ASK_MS = 2000

/** Looks before the long start whether the ports are free. @throws {ShardError} PORT_IN_USE, CANNOT_LISTEN */
export async function checkPorts(ports: readonly Port[]): Promise<void> {
  for (const port of ports) {
    if (port.port <= 0) continue
    try {
      await (port.protocol === 'tcp' ? tryTcp(port) : tryUdp(port))
    } catch (error) {
      throw await explainListenError(error, port)
    }
  }
}

/** Turns what listening threw into what its reader needs: which port, who has it, what to do. */
export async function explainListenError(error: unknown, { protocol, host, port, setting }: Port) {
  const code = (error as NodeJS.ErrnoException).code
  const place = `${host}:${port} (${protocol}, setting ${setting})`
  if (code === 'EADDRINUSE') {
    const holder = await describeHolder(protocol, host, port)
    const flag = `--${setting.replaceAll(/[._]/g, '-')}`
    return new ShardError(
      'PORT_IN_USE',
      `${place} is in use by ${holder}: stop it, or choose another port with ${flag}`,
      { cause: error },
    )
  }
  const why = { EACCES: 'it needs more rights', EADDRNOTAVAIL: 'this machine has no such address' }[
    code ?? ''
  ]
  return new ShardError('CANNOT_LISTEN', `cannot listen on ${place}: ${why ?? (error as Error).message}`, {
    cause: error,
  })
}

async function describeHolder(protocol: 'tcp' | 'udp', host: string, port: number): Promise<string> {
  const [holder, daemon] = await Promise.all([
    portHolder(port, protocol),
    protocol === 'tcp' ? askDaemon(host, port) : null,
  ])
  const process = holder ? `process ${holder.pid}${holder.command ? ` (${holder.command})` : ''}` : null
  if (daemon) return `a Shard daemon that is already running, ${process ?? `process ${daemon.pid}`}`
  return process ?? 'another process (of another user, perhaps)'
}

/** Is it one of us? */
async function askDaemon(host: string, port: number): Promise<{ readonly pid: unknown } | null> {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  try {
    const response = await fetch(`http://${name.includes(':') ? `[${name}]` : name}:${port}/health`, {
      signal: AbortSignal.timeout(ASK_MS),
    })
    if (response.status === 401 && response.headers.get('www-authenticate') === 'Bearer') return null
    const health = (await response.json()) as { shard?: unknown; pid?: unknown }
    return typeof health.shard === 'string' ? { pid: health.pid } : null
  } catch {
    return null
  }
}

function tryTcp({ host, port }: Port): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}

function tryUdp({ host, port }: Port): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ port, address: host, exclusive: true }, () => socket.close(() => resolve()))
  })
}

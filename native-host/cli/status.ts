import { loadSettings } from '../settings/load.ts'
import { DaemonClient } from './daemon-client.ts'

interface Health {
  readonly status: string
  readonly shard: string
  readonly pid: number
  readonly uptime_s: number
  readonly pace_ms: number
  readonly engine: {
    readonly state: string
    readonly kind?: string
    readonly kernel?: string
    readonly why?: string
    readonly restarts?: number
  }
  readonly model: { readonly name: string; readonly id: string } | null
  readonly models?: readonly ResidentModel[]
  readonly load: { readonly slots: number; readonly running: number; readonly queued: number }
  readonly mesh: {
    readonly enabled: boolean
    readonly scope: string
    readonly multiaddrs?: readonly string[]
  }
}

interface ResidentModel {
  readonly id: string
  readonly state: string
  readonly requests: number
  readonly expires_in_s: number | null
}

interface Peer {
  readonly peer_id: string
  readonly class: string
  readonly model: string | null
  readonly latency_ms: number | null
  readonly drafted: number
  readonly accepted: number
}

/** `shard status`: how the running daemon is; ends with 1 when it is not well. */
export async function status(
  options: { readonly url?: string; readonly json?: boolean },
  flags: ReadonlyMap<string, string>,
): Promise<void> {
  const { settings } = loadSettings({ env: process.env, flags, short: {} })
  const client = new DaemonClient(settings, options.url)
  const health = await client.get<Health>('/health', [503])
  const { peers } = await client.get<{ peers: readonly Peer[] }>('/v1/system/peers')
  if (health.status !== 'ok') process.exitCode = 1
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ ...health, peers }, null, 2)}\n`)
    return
  }
  const { engine, model, load, mesh } = health
  const lines: [string, string][] = [
    ['Shard', `${health.shard} at ${client.url}, process ${health.pid}, up ${duration(health.uptime_s)}`],
    ['State', health.status],
    ['Model', model ? `${model.name} (${model.id})` : 'none'],
    ...(health.models ?? []).map((one, i): [string, string] => [
      i === 0 ? 'Loaded' : '',
      describeResident(one),
    ]),
    ['Engine', `${engine.kind ?? ''} ${engine.kernel ?? ''} ${engine.state}; ${engine.why ?? ''}`],
    ['Load', `${load.running} of ${load.slots} slots busy, ${load.queued} waiting`],
    ...(health.pace_ms > 0 ? [['Pace', `${health.pace_ms} ms least per pass`] as [string, string]] : []),
    ['Mesh', mesh.enabled ? `scope ${mesh.scope}` : 'off'],
    ...(mesh.multiaddrs ?? []).map((address): [string, string] => ['', address]),
    ...peers.map((peer): [string, string] => [peer.class === 'scout' ? 'Scout' : 'Peer', describePeer(peer)]),
  ]
  process.stdout.write(lines.map(([name, text]) => `${name.padEnd(8)}${text}\n`).join(''))
}

function describeResident({ id, state, requests, expires_in_s }: ResidentModel): string {
  const until = expires_in_s === null ? '' : `, unloaded in ${duration(expires_in_s)} unless it is used`
  return `${id} ${state}, ${requests === 1 ? '1 request' : `${requests} requests`}${until}`
}

function describePeer({ peer_id, model, latency_ms, drafted, accepted }: Peer): string {
  const delay = latency_ms === null ? '' : `, ${Math.round(latency_ms)} ms away`
  return `${peer_id}${model ? `, ${model}` : ''}${delay}, ${accepted} of ${drafted} drafted tokens accepted`
}

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60)
  if (minutes === 0) return `${seconds} s`
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`
}

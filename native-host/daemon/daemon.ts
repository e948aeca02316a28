import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { Counter } from 'prom-client'
import type { EngineInfo } from '../../shared/engine/engine.ts'
import { createApp } from '../api/app.ts'
import type { ApiContext } from '../api/context.ts'
import { Gate } from '../api/gate.ts'
import { type Listening, listen } from '../api/listen.ts'
import { readStaticFiles } from '../api/static-files.ts'
import type { ControlServer } from '../control/control-server.ts'
import { ownPeer } from '../control/own-peer.ts'
import { runningState } from '../control/running-state.ts'
import { machineMemory } from '../memory/machine-memory.ts'
import { OracleMesh } from '../mesh/oracle-mesh.ts'
import { PairedStoreError } from '../mesh/paired-store.ts'
import { createMetrics, type Metrics } from '../metrics.ts'
import { ModelCatalog } from '../models/model-catalog.ts'
import { ModelsFolder } from '../models/models-folder.ts'
import { Registry } from '../models/registry.ts'
import { SYSTEM_CLOCK } from '../oracle/clock.ts'
import { assets } from '../packaged/assets.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import { version } from '../packaged/version.ts'
import { isLoopback, type LoadedSettings } from '../settings/load.ts'
import { TargetHost } from '../targets/target-host.ts'
import { asShardError, deviceDesk } from './device-desk.ts'
import { meshChat } from './mesh-chat.ts'
import { meshView } from './mesh-view.ts'
import { modelFile } from './model-files.ts'
import { poolHolds } from './pool-holds.ts'
import { checkPorts, explainListenError, type Port } from './port-in-use.ts'
import { apiPort, meshOn, meshPorts } from './ports.ts'
import { ScoutFleet } from './scout-fleet.ts'

export interface Daemon {
  readonly url: string
  /** Of its own model, with which it starts. */
  readonly modelId: string
  readonly engine: EngineInfo
  /** Which engine, and why this one. */
  readonly engineWhy: string
  readonly multiaddrs: readonly string[]
  /** A new link that makes one device the owner's own; null without the mesh. */
  invite(): string | null
  readonly scouts: number
  /** Ends requests, then everything else, last started first. The process must exit right after. */
  stop(): Promise<void>
  /** Ends the children at once. */
  kill(): void
}

/** Answers that are under way get this long to be told of the end. */
const CLOSE_MS = 1_000

/** Own Scouts get this long to come before the daemon says that it is ready without them. */
const SCOUTS_MS = 5_000

/** The invitation in the welcome: whoever starts an Oracle pairs devices on the same day. */
const INVITE_HOURS = 24

/**
 * The composition root: settings → mesh → models (engine's process, Oracle) → API → Scouts.
 * @throws {ShardError} {EngineError} {SettingsError} with everything stopped that was started
 */
export async function startDaemon(
  loaded: LoadedSettings,
  self: SelfCommand,
  control: ControlServer,
  log: Logger,
): Promise<Daemon> {
  const { settings, home } = loaded
  const startedAt = Date.now()
  const api = apiPort(settings)
  const ports = meshPorts(settings)
  await checkPorts([api, ...ports])
  const model = modelFile(settings['engine.model'], 'target')
  const catalog = new ModelCatalog(new ModelsFolder(home), model, {
    kvCache: settings['engine.kv_cache'],
    packing: settings['engine.packing'],
    machineBytes: machineMemory().totalBytes,
  })
  const own = await catalog.own()
  const started: (() => Promise<void>)[] = []
  const kills: (() => void)[] = []
  let stopping: Promise<void> | null = null
  const stop = () => {
    stopping ??= (async () => {
      for (const end of started.reverse())
        await end().catch((err) => log.error({ err }, 'did not stop cleanly'))
      log.info({}, 'stopped')
    })()
    return stopping
  }

  try {
    const metrics = createMetrics({ processMetrics: true })
    const scoutCount = meshOn(settings) ? settings['scouts.count'] : 0
    const scoutFolder = join(home.data, 'scouts')
    const scoutIds = await ScoutFleet.identities(scoutFolder, scoutCount)
    const mesh = meshOn(settings) ? await startMesh(loaded, scoutIds, metrics, log, ports) : null
    if (mesh) started.push(() => mesh.stop())
    const targets = new TargetHost({
      settings,
      catalog,
      registry: Registry.load(),
      home: own,
      self,
      pool: (tokenizerHash) => mesh?.poolFor(tokenizerHash) ?? null,
      targets: (next) => mesh?.setTargets(next),
      changed: () => control.changed(),
      clock: SYSTEM_CLOCK,
      metrics,
      log,
    })
    // Requests end before the Scouts are told goodbye.
    started.push(() => targets.stop())
    const { engine, process: engineProcess } = await targets.start()
    // So that the first request which names a model need not wait for the heads of all files.
    void catalog.all().catch(() => {})
    const engineWhy = engineProcess().reason

    // For pages of the extension, which get it through the bridge; good until this process ends.
    const token = randomBytes(32).toString('base64url')
    let fleet: ScoutFleet | null = null
    const context: ApiContext = {
      build: version,
      models: targets,
      health: () => ({
        shard: version,
        pid: process.pid,
        uptime_s: Math.round((Date.now() - startedAt) / 1000),
        pace_ms: settings['engine.pace_ms'],
        engine: engineFacts(targets),
        models: targets.models(),
        mesh: mesh
          ? {
              enabled: true,
              scope: settings['mesh.scope'],
              peer_id: mesh.peerId,
              multiaddrs: mesh.multiaddrs(),
            }
          : { enabled: false, scope: settings['mesh.scope'] },
        local_drafters: targets.localDrafters(),
        scouts: (fleet?.members() ?? []).map(({ peerId, ...rest }) => ({ peer_id: peerId, ...rest })),
      }),
      mesh: mesh && meshView(mesh, () => targets.status()),
      metrics,
      log,
      scope: settings['mesh.scope'],
      limits: {
        maxBodyBytes: settings['api.max_body_kib'] * 1024,
        maxRequests: settings['api.max_requests'],
      },
    }
    // One limit for all who ask, over HTTP and over the mesh.
    const gate = new Gate(context.limits.maxRequests)
    mesh?.setChat(meshChat(context, gate, settings['engine.pace_ms']))
    const app = createApp({
      api: context,
      gate,
      rules: {
        loopback: isLoopback(settings['api.host']),
        names: settings['api.names'].map((name) => name.toLowerCase()),
        origins: settings['api.origins'],
        key: settings['api.key'],
        token,
      },
      files: readStaticFiles(assets, 'dist/chat'),
    })
    let server: Listening
    try {
      server = await listen(app, { ...api, maxConnections: settings['api.max_connections'] })
    } catch (error) {
      throw await explainListenError(error, api)
    }
    // Requests end with the models; the connections of those that don't are cut.
    const modelsEnd = started.pop()!
    started.push(async () => {
      const closed = server.close(CLOSE_MS)
      await modelsEnd()
      await closed
    })
    const url = `http://${server.host.includes(':') ? `[${server.host}]` : server.host}:${server.port}`
    if (mesh && scoutCount > 0) {
      const scouts = await ScoutFleet.start({
        count: scoutCount,
        directory: scoutFolder,
        self,
        oracles: mesh.multiaddrs().slice(0, 1),
        flags: scoutFlags(loaded),
        log,
      })
      fleet = scouts
      started.push(() => scouts.stop())
      kills.push(() => scouts.kill())
      // The first answer should already be helped; a Scout that does not come must not keep the daemon from being ready.
      await poolHolds(mesh.poolFor(engine.tokenizerHash), scoutCount, AbortSignal.timeout(SCOUTS_MS))
    }
    control.serve({
      state: () => runningState(targets),
      attach: async (peerId) => {
        if (peerId !== null) await mesh?.pair(ownPeer(peerId)).catch(asShardError)
        return { url, token, multiaddrs: mesh?.multiaddrs() ?? [] }
      },
      ...deviceDesk(mesh),
    })
    log.info({ url, scope: settings['mesh.scope'], multiaddrs: mesh?.multiaddrs() ?? [] }, 'ready')
    return {
      url,
      modelId: own.id,
      engine,
      engineWhy,
      multiaddrs: mesh?.multiaddrs() ?? [],
      invite: () => mesh?.invite(INVITE_HOURS).link ?? null,
      scouts: scoutCount,
      stop,
      kill: () => {
        for (const kill of kills) kill()
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function engineFacts(targets: TargetHost): object {
  const { reason: why, pid, restarts } = targets.process()
  return { why, pid, restarts }
}

async function startMesh(
  { settings, home }: LoadedSettings,
  scoutIds: readonly string[],
  metrics: Metrics,
  log: Logger,
  ports: readonly Port[],
): Promise<OracleMesh> {
  const happened = new Counter({
    name: 'shard_mesh_events_total',
    help: 'What happened in the mesh: joined, left, fault, refused, offered, paired, asked, rejected (gossip)',
    labelNames: ['event'],
    registers: [metrics.registry],
  })
  const count = (event: string) => () => happened.inc({ event })
  const port = (key: 'mesh.tcp_port' | 'mesh.ws_port' | 'mesh.webrtc_port') =>
    settings[key] < 0 ? null : settings[key]
  try {
    return await OracleMesh.start({
      directory: join(home.data, 'mesh'),
      listen: {
        host: settings['mesh.host'],
        tcpPort: port('mesh.tcp_port'),
        webSocketPort: port('mesh.ws_port'),
        webRtcPort: port('mesh.webrtc_port'),
      },
      scope: settings['mesh.scope'] === 'swarm' ? 'swarm' : 'own',
      paired: [...settings['mesh.paired'], ...scoutIds],
      bootstrap: settings['mesh.bootstrap'],
      relays: settings['mesh.relays'],
      mdns: settings['mesh.mdns'],
      log,
      events: {
        joined: count('joined'),
        left: count('left'),
        fault: count('fault'),
        refused: count('refused'),
        offered: count('offered'),
        paired: count('paired'),
        asked: count('asked'),
        rejected: count('rejected'),
      },
    })
  } catch (error) {
    if (error instanceof PairedStoreError) asShardError(error)
    // A port taken between the first look and now.
    await checkPorts(ports)
    throw error
  }
}

function scoutFlags({ settings }: LoadedSettings): string[] {
  return [
    ...['--model', settings['draft.model']],
    ...['--capacity', String(settings['scout.capacity'])],
    ...['--engine', settings['engine.kind']],
    ...['--engine-kv-cache', settings['engine.kv_cache']],
    // Small models gain nothing from more, and the Oracle wants the cores.
    ...['--threads', '1'],
    // Their every assignment is no news for whoever reads the Oracle's log.
    ...['--log-level', settings['log.level'] === 'info' ? 'warn' : settings['log.level']],
  ]
}

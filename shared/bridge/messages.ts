import { z } from 'zod'

/**
 * Native messaging between the extension and the bridge: JSON objects, each with a `type`.
 * The extension says `hello` once per port and then `attach` if it wants to use the daemon; the bridge answers each and
 * pushes `status` whenever the daemon's state changes, until the port closes.
 */

/** What the daemon says of itself, as far as the extension needs it. */
export const runningDaemonSchema = z.object({
  state: z.literal('running'),
  pid: z.number().int(),
  version: z.string(),
  engine: z.object({
    /** `ready` answers; `starting`, `restarting` and `unloaded` (the next request loads a model) will; `failed` does not. */
    state: z.enum(['starting', 'ready', 'restarting', 'failed', 'unloaded']),
    kind: z.string().nullable(),
    kernel: z.string().nullable(),
    why: z.string(),
  }),
  model: z.object({ id: z.string(), name: z.string() }).nullable(),
  load: z.object({ slots: z.number(), running: z.number(), queued: z.number() }),
  memory: z.object({
    /** Resident bytes of daemon and engine together; null where the system does not say. */
    ram_bytes: z.number().nullable(),
    /** Bytes on a graphics card: 0 while the engine runs on the CPU. */
    vram_bytes: z.number(),
  }),
})

export const startingDaemonSchema = z.object({ state: z.literal('starting') })

export const daemonStateSchema = z.discriminatedUnion('state', [
  runningDaemonSchema,
  startingDaemonSchema,
  z.object({
    state: z.literal('stopped'),
    /** Whether `attach` could start it: the program and its model are there. */
    startable: z.boolean(),
    /** `never` started since the bridge came, `stopped` in order, or `lost`: killed or crashed. */
    cause: z.enum(['never', 'stopped', 'lost']),
    why: z.string(),
  }),
])
export type DaemonState = z.output<typeof daemonStateSchema>

export const toBridgeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), version: z.string().max(64) }),
  z.object({
    type: z.literal('attach'),
    /** Start the daemon if it does not run. */
    start: z.boolean(),
    /** The extension's own Scout, to be paired with the daemon. */
    peer_id: z.string().max(64).optional(),
  }),
])
export type ToBridge = z.output<typeof toBridgeSchema>

export const fromBridgeSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('hello'), version: z.string(), daemon: daemonStateSchema }),
  z.object({ type: z.literal('status'), daemon: daemonStateSchema }),
  z.object({
    type: z.literal('attached'),
    /** The API, such as http://127.0.0.1:8080 */
    url: z.string(),
    /** For `Authorization: Bearer`; good until the daemon ends. */
    token: z.string(),
    daemon: daemonStateSchema,
    /** The daemon's own multiaddrs, for a Scout that drafts for it all the same. */
    multiaddrs: z.array(z.string()),
  }),
  z.object({
    type: z.literal('error'),
    /** A stable word: `BAD_MESSAGE`, `NOT_ALLOWED`, `START_FAILED`, `NOT_RUNNING`, … */
    code: z.string(),
    message: z.string(),
  }),
])
export type FromBridge = z.output<typeof fromBridgeSchema>

/** Name of the native messaging host, as in its manifest. */
export const NATIVE_HOST = 'dev.shard.host'

/** Frame limits of the browsers: host → extension 1 MiB; extension → host is small here, whatever browsers allow. */
export const BRIDGE_LIMITS = { toExtensionBytes: 1024 * 1024, toHostBytes: 64 * 1024 } as const

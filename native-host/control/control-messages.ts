import { z } from 'zod'
import { runningDaemonSchema, startingDaemonSchema } from '../../shared/bridge/messages.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'

/**
 * What bridges, `shard stop`, `shard device` and `shard doctor` say to the daemon over its control socket: one JSON object
 * a line. Answers to all but `watch` come in the order of the questions; `state` and `bye` come when there is news.
 */
export const toDaemonSchema = z.discriminatedUnion('type', [
  /** Answered with `state` now, and again whenever it has changed. */
  z.object({ type: z.literal('watch') }),
  /** Answered with `attached`, as soon as the daemon is ready. The peer counts as the owner's from now on. */
  z.object({ type: z.literal('attach'), peer_id: z.string().max(64).optional() }),
  /** Answered with `stopping`; the socket closes when everything has ended. */
  z.object({ type: z.literal('stop') }),
  /** Answered with `invited`. */
  z.object({ type: z.literal('invite'), hours: z.number().positive().max(LIMITS.inviteHours) }),
  /** Answered with `devices`. */
  z.object({ type: z.literal('devices') }),
  /** Answered with `device-removed`. */
  z.object({ type: z.literal('remove-device'), peer_id: z.string().max(LIMITS.peerIdBytes) }),
])
export type ToDaemon = z.output<typeof toDaemonSchema>

export const fromDaemonSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('state'),
    pid: z.number().int(),
    daemon: z.discriminatedUnion('state', [runningDaemonSchema, startingDaemonSchema]),
  }),
  z.object({
    type: z.literal('attached'),
    url: z.string(),
    token: z.string(),
    multiaddrs: z.array(z.string()),
  }),
  z.object({ type: z.literal('stopping'), pid: z.number().int() }),
  /** A join link, good for one device until then. */
  z.object({ type: z.literal('invited'), link: z.string(), expires_at: z.iso.datetime() }),
  z.object({
    type: z.literal('devices'),
    /** `paired_at` null: paired by the settings, or a Scout of the daemon's own. */
    devices: z.array(z.object({ peer_id: z.string(), paired_at: z.iso.datetime().nullable() })),
  }),
  z.object({ type: z.literal('device-removed'), peer_id: z.string() }),
  /** The daemon ends in order: what follows is the socket's end. */
  z.object({ type: z.literal('bye'), why: z.string() }),
  z.object({ type: z.literal('error'), code: z.string(), message: z.string() }),
])
export type FromDaemon = z.output<typeof fromDaemonSchema>

/** A state with some dozen multiaddrs is a few KiB. */
export const CONTROL_LINE_BYTES = 64 * 1024

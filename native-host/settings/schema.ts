import { z } from 'zod'
import { KV_CACHE_TYPES } from '../../shared/engine/kv-cache-type.ts'
import { HEAD_PRECISIONS } from '../engine/engine-options.ts'
import { WEIGHT_PACKINGS } from '../engine/weight-packing.ts'
import { choice, duration, flag, integer, list, type SettingFacts, settingFacts, text } from './setting.ts'

const PORT = [0, 65_535] as const
/** A transport's port may also be −1: it does not listen. */
const PORT_OR_OFF = [-1, 65_535] as const

/**
 * Every setting of Shard: the one source of key, type, default, unit and meaning. The file, the environment
 * (`engine.pace_ms` → `SHARD_ENGINE_PACE_MS`), the flags (`--engine-pace-ms`) and the printed table come from it.
 */
export const settingsSchema = z.strictObject({
  'api.host': text('127.0.0.1', {
    meaning: 'address that the API listens on; any but a loopback one needs api.key',
  }),
  'api.port': integer(8080, ...PORT, { meaning: 'port of the API and the chat page; 0 takes a free one' }),
  'api.key': text('', {
    meaning: 'when set, every request must carry it: Authorization: Bearer KEY',
    secret: true,
  }),
  'api.names': list({ meaning: 'more host names under which the API may be called' }),
  'api.origins': list({
    meaning: 'more origins whose pages may call the API, such as chrome-extension://ID',
  }),
  'api.max_body_kib': integer(4096, 1, 65_536, { unit: 'KiB', meaning: 'longest request body' }),
  'api.max_connections': integer(256, 1, 65_535, { meaning: 'open connections; more are refused' }),
  'api.max_requests': integer(64, 1, 4096, {
    meaning: 'completions under way at once, waiting ones included',
  }),

  'engine.kind': choice('auto', ['auto', 'native', 'reference'], {
    meaning: 'which engine runs the model; auto takes native where it works',
  }),
  'engine.kernel': choice('auto', ['auto', 'amx', 'avx512vnni', 'avxvnni', 'avx2', 'neon', 'portable'], {
    meaning: "the native engine's kernels; auto takes the fastest that this processor has",
  }),
  'engine.model': text('embedded', {
    meaning: 'an installed model, a GGUF file with its tokenizer beside it, or embedded',
  }),
  'engine.keep_alive': duration('-1', {
    meaning: "how long this Oracle's own model (engine.model) stays loaded after its last request",
  }),
  'engine.kv_cache': choice('f16', KV_CACHE_TYPES, {
    meaning: 'what conversations are kept as in memory; q8 takes half of it, and is not quite exact',
  }),
  'engine.head': choice('int8', HEAD_PRECISIONS, {
    meaning: 'a head of floats as int8 (faster, closer than Q6_K), or as the numbers in the file',
  }),
  'engine.packing': choice('auto', WEIGHT_PACKINGS, {
    meaning: 'ternary weights in 2-bit, or in 1.6-bit at more work; auto takes 1.6 where memory asks for it',
  }),
  'engine.threads': integer(0, 0, 256, { meaning: 'threads of the engine; 0 = one per core' }),
  'engine.pace_ms': integer(0, 0, 60_000, {
    unit: 'ms',
    meaning: 'least time of a pass, as if the model were large; 0 = as fast as it goes',
  }),

  'scheduler.slots': integer(4, 1, 64, { meaning: 'requests that generate at once' }),
  'scheduler.queue': integer(64, 0, 4096, { meaning: 'requests that may wait for a slot' }),
  'scheduler.max_rows': integer(256, 1, 4096, { unit: 'rows', meaning: 'most rows of one pass' }),
  'scheduler.prefill_rows': integer(64, 1, 4096, {
    unit: 'rows',
    meaning: 'most prompt rows of a pass in which others decode',
  }),
  'scheduler.cached_sequences': integer(8, 0, 256, {
    meaning: 'finished sequences whose cache is kept for the next turn',
  }),
  'scheduler.window': integer(64, 1, 64, {
    unit: 'tokens',
    meaning: 'most unverified tokens of one Scout for one request; near ones are granted 16',
  }),
  'scheduler.scouts_per_request': integer(2, 0, 16, { meaning: 'Scouts that draft one request' }),
  'scheduler.max_wait_ms': integer(250, 0, 10_000, {
    unit: 'ms',
    meaning: 'longest that a pass may be put off for a draft that is due; 0 = never',
  }),
  'scheduler.stall_ms': integer(5000, 100, 600_000, {
    unit: 'ms',
    meaning: 'a Scout that owes drafts and is silent for so long is replaced',
  }),
  'scheduler.force_drafts': flag(false, {
    meaning: 'verify every draft, whether it pays or not (for tests of cooperation)',
  }),

  'mesh.enabled': flag(true, { meaning: 'take part in the mesh; off, no Scout can help' }),
  'mesh.scope': choice('own', ['none', 'own', 'swarm'], {
    meaning: "whose Scouts may see a request's tokens: nobody's, this owner's, or everybody's",
  }),
  'mesh.host': text('127.0.0.1', {
    meaning: 'IP address that the mesh listens on; 0.0.0.0 opens it to other machines',
  }),
  'mesh.tcp_port': integer(4001, ...PORT_OR_OFF, {
    meaning: 'port of libp2p over TCP; 0 takes a free one, -1 turns it off',
  }),
  'mesh.ws_port': integer(4101, ...PORT_OR_OFF, {
    meaning: 'port of libp2p over WebSocket; 0 takes a free one, -1 turns it off',
  }),
  'mesh.webrtc_port': integer(9090, ...PORT_OR_OFF, {
    meaning: 'port of libp2p over WebRTC-direct (UDP); 0 takes a free one, -1 turns it off',
  }),
  'mesh.relays': list({ meaning: 'multiaddrs of relays to be reachable through' }),
  'mesh.paired': list({ meaning: "peer ids of this owner's devices: they count as own" }),
  'mesh.bootstrap': list({ meaning: 'multiaddrs of peers to dial at start' }),
  'mesh.mdns': flag(false, { meaning: 'find peers on the local network' }),

  'draft.local': choice('none', ['none', 'model', 'ngram', 'both'], {
    meaning: 'drafters beside the engine, in the Oracle itself',
  }),
  'draft.model': text('embedded', {
    meaning: 'the draft model (an installed one, a GGUF file, or embedded)',
  }),

  'scouts.count': integer(0, 0, 16, { meaning: 'headless Scouts that serve starts beside the Oracle' }),
  'scout.oracle': list({ meaning: 'multiaddrs of the Oracle that a headless Scout serves' }),
  'scout.serve': choice('listed', ['listed', 'swarm'], {
    meaning: 'whom a headless Scout drafts for: the Oracles given to it, or any that offers work',
  }),
  'scout.capacity': integer(4, 1, 16, { meaning: 'requests that a Scout drafts at once' }),

  'models.resident': integer(1, 1, 16, {
    meaning: 'models loaded at once; the least recently used makes room for the one that a request asks for',
  }),
  'models.memory_mib': integer(0, 0, 16_777_216, {
    unit: 'MiB',
    meaning: 'most memory that all loaded models may need together; 0 = as much as the machine has',
  }),
  'models.keep_alive': duration('5m', {
    meaning: 'how long a model that a request asked for stays loaded after its last request',
  }),
  'models.host': text('https://huggingface.co', {
    meaning:
      'where models are fetched from: a hub with the paths of huggingface.co; HF_ENDPOINT when not set',
  }),
  'models.connections': integer(4, 1, 16, { meaning: 'ranges of a model that are fetched at once' }),

  'bridge.extensions': list({
    meaning:
      'ids of more browser extensions that the bridge serves; `shard install` writes them into manifests',
  }),

  'log.level': choice('info', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    meaning: 'what is logged to stderr',
  }),
})

export type Settings = Readonly<z.output<typeof settingsSchema>>
export type SettingKey = keyof Settings

export const SETTING_KEYS = Object.keys(settingsSchema.shape) as SettingKey[]

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({})

export function isSettingKey(key: string): key is SettingKey {
  return Object.hasOwn(settingsSchema.shape, key)
}

export function factsOf(key: SettingKey): SettingFacts {
  const facts = settingFacts.get(settingsSchema.shape[key])
  if (!facts) throw new TypeError(`setting ${key} has no facts`)
  return facts
}

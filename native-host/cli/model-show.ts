import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { KV_CACHE_TYPES, type KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { choosePacking, type PackingWish } from '../engine/weight-packing.ts'
import { machineMemory } from '../memory/machine-memory.ts'
import { byteText } from '../models/byte-text.ts'
import { type DescribedModel, describeModel, modelsHere } from '../models/described-model.ts'
import { ModelError } from '../models/model-error.ts'
import { kvBytesAt, memoryAt } from '../models/model-facts.ts'
import { type InstalledModel, ModelsFolder } from '../models/models-folder.ts'
import { type Pairing, pairingsOf } from '../models/pairing.ts'
import { Registry, type RegistryEntry } from '../models/registry.ts'
import { homeFolders } from '../settings/home.ts'
import { loadSettings } from '../settings/load.ts'
import type { Settings } from '../settings/schema.ts'

const MOST_CONTEXT = 16_777_216

/** `shard model show NAME|FILE` */
export async function modelShow(
  name: string,
  options: { readonly context?: string; readonly kvCache?: string; readonly json?: boolean },
): Promise<void> {
  const registry = Registry.load()
  const all = modelsHere(new ModelsFolder(homeFolders(process.env)))
  const found = findModel(name, all)
  const entry = found === null ? registry.find(name) : undefined
  if (found === null && entry === undefined)
    throw new ModelError(
      'UNKNOWN_MODEL',
      `neither an installed model, nor one of the registry, nor a file is called ${JSON.stringify(name)}: \`shard model list --all\` shows what there is`,
    )
  const { settings } = loadSettings({ env: process.env })
  const here = await Promise.all(all.map(describeModel))
  const shown =
    found === null
      ? describeEntry(entry!, pairingsOf(pairable(entry!), here, registry))
      : describeFile(
          await describeModel(found),
          here,
          registry,
          contextOf(options.context),
          kvCacheOf(options.kvCache, settings),
          settings['engine.packing'],
        )
  if (options.json) {
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`)
    return
  }
  process.stdout.write(linesOf(shown))
}

type Shown = ReturnType<typeof describeFile> | ReturnType<typeof describeEntry>

function findModel(name: string, all: readonly InstalledModel[]): InstalledModel | null {
  const wanted = name.toLowerCase()
  const own = all.find((model) => model.name.toLowerCase() === wanted)
  if (own !== undefined) return own
  const path = resolve(name)
  if (!existsSync(path)) return null
  return all.find((model) => model.path === path) ?? { name: basename(path), path, folder: null }
}

function describeFile(
  model: DescribedModel,
  here: readonly DescribedModel[],
  registry: Registry,
  context: number | null,
  kvCache: KvCacheType,
  wish: PackingWish,
) {
  const { facts, record } = model
  if (facts === null) throw new ModelError('CANNOT_READ', `${model.path}: ${model.fault}`)
  const entry = model.entry === null ? undefined : registry.find(model.entry)
  const tokens = context ?? facts.contextLength
  const packing = choosePacking(wish, facts, machineMemory().totalBytes)
  return {
    name: model.name,
    title: facts.title,
    state: 'installed' as const,
    path: model.path,
    architecture: facts.architecture,
    runs: facts.refused === null,
    why: facts.refused,
    parameters: facts.parameters,
    bits_per_weight: facts.bitsPerWeight,
    types: facts.types,
    bytes: model.bytes,
    context: facts.contextLength,
    memory:
      tokens === null
        ? null
        : {
            context: tokens,
            packing,
            weight_bytes: facts.residentBytes[packing],
            kv_cache: kvCache,
            kv_bytes: kvBytesAt(facts, tokens, kvCache),
            total_bytes: memoryAt(facts, tokens, kvCache, packing),
          },
    licence: entry?.licence ?? { name: record?.licence ?? facts.licence, url: null },
    from: record?.from ?? null,
    sha256: record?.sha256 ?? null,
    checked_by: record?.checked_by ?? null,
    tokenizer_hash: facts.tokenizerHash,
    pairs: pairingsOf(model, here, registry),
  }
}

function describeEntry(entry: RegistryEntry, pairs: readonly Pairing[]) {
  return {
    name: entry.name,
    title: entry.title,
    state: 'available' as const,
    path: null,
    architecture: entry.architecture,
    runs: entry.runs,
    why: entry.why,
    parameters: entry.parameters,
    bits_per_weight: null,
    types: [],
    bytes: entry.approx_bytes,
    context: null,
    memory: null,
    licence: entry.licence,
    from: entry.source.kind === 'hub' ? `hf:${entry.source.repo}/${entry.source.file}` : null,
    sha256: entry.sha256,
    checked_by: null,
    tokenizer_hash: entry.tokenizer_hash,
    pairs,
  }
}

function pairable({ name, tokenizer_hash, parameters }: RegistryEntry) {
  return { name, entry: name, tokenizerHash: tokenizer_hash, parameters }
}

function linesOf(shown: Shown): string {
  const about = shown.state === 'available'
  const rows: [string, string | null][] = [
    ['name', shown.name],
    ['title', shown.title],
    ['file', shown.path ?? notHere(shown)],
    ['from', shown.from],
    ['architecture', shown.architecture],
    ['runs', shown.runs ? 'yes' : `no: ${shown.why}`],
    ['parameters', shown.parameters === null ? null : `${(shown.parameters / 1e6).toFixed(1)} M`],
    [
      'bits per weight',
      shown.bits_per_weight === null
        ? null
        : `${shown.bits_per_weight.toFixed(2)} (${shown.types.join(', ')})`,
    ],
    ['size', shown.bytes === null ? null : `${about ? 'about ' : ''}${byteText(shown.bytes)}`],
    ['context', shown.context === null ? null : `up to ${shown.context} tokens`],
    ['memory', memoryText(shown)],
    [
      'licence',
      shown.licence.name === null ? 'not said' : `${shown.licence.name} ${shown.licence.url ?? ''}`.trim(),
    ],
    [
      'SHA-256',
      shown.sha256 === null ? null : `${shown.sha256} (${shown.checked_by ?? 'checked by nobody'})`,
    ],
    ['tokenizer', shown.tokenizer_hash ?? 'to be confirmed when the file is here'],
    ...shown.pairs.map(({ name, as, tokenizer, installed }, i): [string, string] => [
      i === 0 ? 'pairs with' : '',
      `${name} (${as}; ${TOKENIZERS[tokenizer]}${installed ? '' : '; not here'})`,
    ]),
  ]
  return rows
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key.padEnd(15)}  ${value}\n`)
    .join('')
}

function notHere({ name, from }: Shown): string {
  return from === null ? 'fetched by the browser that drafts with it' : `not here: shard model pull ${name}`
}

const TOKENIZERS: Readonly<Record<Pairing['tokenizer'], string>> = {
  same: 'same tokenizer',
  different: 'another tokenizer: they do not pair',
  unconfirmed: 'tokenizer to be confirmed',
}

function memoryText({ memory }: Shown): string | null {
  if (memory === null) return null
  const { context, packing, weight_bytes, kv_cache, kv_bytes, total_bytes } = memory
  const weights = `${byteText(weight_bytes)} of weights${packing === '1.6-bit' ? ' (1.6-bit where they can be)' : ''}`
  if (total_bytes === null || kv_bytes === null) return `${weights}; KV cache unknown`
  return `${byteText(total_bytes)} at ${context} tokens: ${weights}, ${byteText(kv_bytes)} of KV cache (${kv_cache})`
}

/** @throws {ShardError} USAGE */
function kvCacheOf(text: string | undefined, settings: Settings): KvCacheType {
  if (text === undefined) return settings['engine.kv_cache']
  const found = KV_CACHE_TYPES.find((type) => type === text)
  if (found !== undefined) return found
  throw new ShardError('USAGE', `--kv-cache is ${text}, expected one of ${KV_CACHE_TYPES.join(', ')}`)
}

function contextOf(text: string | undefined): number | null {
  if (text === undefined) return null
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value < 1 || value > MOST_CONTEXT)
    throw new ShardError('USAGE', `--context is ${text}, expected a whole number from 1 to ${MOST_CONTEXT}`)
  return value
}

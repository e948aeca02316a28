import { parseArgs } from 'node:util'
import { TERNARY_TYPES } from '../../support/pack-ternary.ts'
import { TABLE_TYPES } from '../../support/random-table.ts'
import { ArgumentError, choice, count } from './arguments.ts'
import { type ShapeFileOptions, shapeFolder } from './shape-file.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from './shapes.ts'

export const OWN = 'shard'
export const LLAMA_CPP = 'llama.cpp'

/** What the command line asks for. */
export interface BenchPlan {
  readonly shape: ShapeName
  /** Our engine's file, and the one for llama.cpp, which has neither I2_S nor the graph of bitnet-b1.58. */
  readonly own: ShapeFileOptions
  readonly llamaCpp: ShapeFileOptions
  readonly engines: readonly string[]
  readonly peers: readonly Peer[]
  readonly threads: readonly number[]
  readonly rows: readonly number[]
  readonly context: number
  readonly runs: number
  readonly kernel?: string
  readonly folder: string
  readonly json: boolean
}

export interface Peer {
  readonly name: string
  readonly program: string
  /** null: the same file as llama.cpp. */
  readonly model: string | null
  readonly extraArguments: readonly string[]
}

/** @throws {ArgumentError} */
export function parsePlan(args: readonly string[]): BenchPlan {
  const { values } = parse(args)
  const shape = choice('--shape', values.shape, SHAPE_NAMES)
  const table = values.head && { head: choice('--head', values.head, [...TABLE_TYPES, ...TERNARY_TYPES]) }
  const type = values.type && { type: choice('--type', values.type, TERNARY_TYPES) }
  const base = { shape, seed: count('--seed', values.seed, 0), ...table }
  const peers = parsePeers(values.peer ?? [], values['peer-model'] ?? [], values['peer-args'] ?? [])
  const rows = counts('--k', values.k)
  const context = count('--context', values.context)
  const most = SHAPES[shape].context
  if (context + Math.max(...rows) > most) {
    throw new ArgumentError(`--context and --k: ${shape} has ${most} positions, and a pass ends beyond them`)
  }
  const known = [OWN, LLAMA_CPP, ...peers.map(({ name }) => name)]
  return {
    shape,
    own: { ...base, ...type },
    llamaCpp: { ...base, ...llamaCppOptions(shape, values['llama-type'] ?? values.type) },
    engines: values.engine?.split(',').map((name) => choice('--engine', name, known)) ?? known,
    peers,
    threads: counts('--threads', values.threads),
    rows,
    context,
    runs: count('--runs', values.runs),
    ...(values.kernel !== undefined && { kernel: values.kernel }),
    folder: values.folder,
    json: values.json,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        shape: { type: 'string' },
        engine: { type: 'string' },
        threads: { type: 'string', default: '2' },
        k: { type: 'string', default: '1,8,16' },
        context: { type: 'string', default: '256' },
        runs: { type: 'string', default: '5' },
        kernel: { type: 'string' },
        head: { type: 'string' },
        type: { type: 'string' },
        'llama-type': { type: 'string' },
        peer: { type: 'string', multiple: true },
        'peer-model': { type: 'string', multiple: true },
        'peer-args': { type: 'string', multiple: true },
        seed: { type: 'string', default: '1' },
        folder: { type: 'string', default: shapeFolder() },
        json: { type: 'boolean', default: false },
      },
    })
  } catch (cause) {
    throw new ArgumentError((cause as Error).message, { cause })
  }
}

function counts(option: string, list: string): number[] {
  return list.split(',').map((value) => count(option, value))
}

/** node-llama-cpp's build lacks squared ReLU: the graph of 1bitLLM's models is the same but for that. */
function llamaCppOptions(shape: ShapeName, wanted: string | undefined): Partial<ShapeFileOptions> {
  const { architecture, type } = SHAPES[shape]
  const chosen = choice('--llama-type', wanted ?? (type === 'I2_S' ? 'TQ2_0' : type), TERNARY_TYPES)
  return {
    type: chosen === 'I2_S' ? 'TQ2_0' : chosen,
    ...(architecture.startsWith('bitnet') && { architecture: 'bitnet' }),
  }
}

function parsePeers(programs: readonly string[], models: readonly string[], args: readonly string[]): Peer[] {
  const named = new Map(programs.map((text) => pair('--peer', text)))
  for (const name of [OWN, LLAMA_CPP]) {
    if (named.has(name))
      throw new ArgumentError(`--peer: ${name} is the name of an engine that is measured anyway`)
  }
  const of = (option: string, texts: readonly string[]) => {
    const pairs = new Map(texts.map((text) => pair(option, text)))
    for (const name of pairs.keys()) {
      if (!named.has(name)) throw new ArgumentError(`${option} is for ${name}, which no --peer names`)
    }
    return pairs
  }
  const modelOf = of('--peer-model', models)
  const argsOf = of('--peer-args', args)
  return [...named].map(([name, program]) => ({
    ...{ name, program, model: modelOf.get(name) ?? null },
    extraArguments: argsOf.get(name)?.split(' ') ?? [],
  }))
}

function pair(option: string, text: string): [name: string, value: string] {
  const [, name, value] = /^([^=]+)=(.+)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw new ArgumentError(`${option} takes NAME=VALUE, not ${text}`)
  return [name, value]
}

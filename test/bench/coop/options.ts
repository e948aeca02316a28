import { parseArgs } from 'node:util'
import { ArgumentError, choice, count } from '../engine/arguments.ts'
import { SHAPE_NAMES, type ShapeName } from '../engine/shapes.ts'
import { MODES, settingsOf } from './cells.ts'

/** The target of the embedded pair, held back to the pace of a large model. */
export const EMBEDDED = 'embedded'

export interface CoopOptions {
  readonly json: boolean
  readonly verbose: boolean
  readonly shapes: readonly (ShapeName | typeof EMBEDDED)[]
  readonly settings: ReturnType<typeof settingsOf>
  readonly rounds: number
  readonly tokens: number
  /** Share of packets that links lose, one way, where there is a distance. */
  readonly loss: number
  /** Where results are kept, for the next run to go on from; null: nowhere. */
  readonly results: string | null
  /** After so many minutes nothing more is begun; null: no limit. */
  readonly minutes: number | null
  /** Where to write the chart; null: nowhere. */
  readonly svg: string | null
  /** More flags of the Oracle. */
  readonly serve: readonly string[]
}

/** @throws {ArgumentError} */
export function parseOptions(args: readonly string[]): CoopOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      shape: { type: 'string', default: EMBEDDED },
      modes: { type: 'string', default: MODES.join() },
      alpha: { type: 'string', default: '0.6,0.9' },
      rtt: { type: 'string', default: '0,50' },
      users: { type: 'string', default: '1,4' },
      speed: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      tokens: { type: 'string', default: '64' },
      loss: { type: 'string', default: '0.01' },
      results: { type: 'string' },
      minutes: { type: 'string' },
      svg: { type: 'string' },
      serve: { type: 'string', default: '' },
    },
  })
  const modes = values.modes.split(',').map((name) => choice('--modes', name, MODES))
  return {
    json: values.json,
    verbose: values.verbose,
    shapes: values.shape.split(',').map((name) => choice('--shape', name, [EMBEDDED, ...SHAPE_NAMES])),
    settings: settingsOf({
      alphas: numbers('--alpha', values.alpha, 0, 1),
      rtts: numbers('--rtt', values.rtt, 0, 10_000),
      users: values.users.split(',').map((users) => count('--users', users)),
      speeds: numbers('--speed', values.speed, 0.1, 1000),
      modes: ['alone', ...modes.filter((mode) => mode !== 'alone')],
    }),
    rounds: count('--rounds', values.rounds),
    tokens: count('--tokens', values.tokens, 8),
    loss: numbers('--loss', values.loss, 0, 0.5)[0]!,
    results: values.results ?? null,
    minutes: values.minutes === undefined ? null : numbers('--minutes', values.minutes, 0, 1e6)[0]!,
    svg: values.svg ?? null,
    serve: values.serve.split(' ').filter((flag) => flag !== ''),
  }
}

function numbers(option: string, text: string, least: number, most: number): number[] {
  return text.split(',').map((part) => {
    const value = part.trim() === '' ? Number.NaN : Number(part)
    if (value >= least && value <= most) return value
    throw new ArgumentError(`${option} takes numbers from ${least} to ${most}, not ${part}`)
  })
}

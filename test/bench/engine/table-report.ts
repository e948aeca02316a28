import { byteText } from '../../../native-host/models/byte-text.ts'
import type { Contender, ContenderFacts } from './contender.ts'
import { floorMs, type Measurement, type MemorySpeed } from './measurement.ts'

/** For people: a row for every engine, then what the figures say of each other. */
export function tableText(measurement: Measurement, own: string): string {
  const { shape, threads, contenders, memory } = measurement
  const rows = [...contenders[0]!.contender.passes.keys()]
  const table = [
    ['', ...rows.map((k) => `K=${k}`), 'prompt tokens/s', 'loaded', 'memory/file'],
    ...contenders.map(({ contender, facts }) => [
      heading(contender, facts),
      ...rows.map((k) => {
        const { least, median } = contender.passes.get(k)!
        return `${ms(least)} (${ms(median)})`
      }),
      contender.prompt.most.toFixed(1),
      facts.loadMs === null ? '' : `${(facts.loadMs / 1000).toFixed(2)} s`,
      memoryText(facts),
    ]),
  ]
  const ours = contenders.find(({ contender }) => contender.name === own)?.contender
  const peers = contenders.flatMap(({ contender }) => (contender.name === own ? [] : [contender]))
  const remarks = [
    ...contenders.filter(({ facts }) => facts.context < longestContext(measurement)).map(shortContext),
    ...(ours && peers.length > 0 ? [ratios(ours, peers, rows)] : []),
    ...(memory ? [memoryRemark(memory, threads, ours)] : []),
  ]
  const title = `${shape}, ${threads} ${threads === 1 ? 'thread' : 'threads'}, ${longestContext(measurement)} tokens before: milliseconds for one pass over K rows, best (median)`
  return [title, ...aligned(table), ...remarks].join('\n')
}

const ms = (value: number) => value.toFixed(value < 100 ? 1 : 0)

const heading = ({ name, type, head }: Contender, { kernel }: ContenderFacts) =>
  [name, ...(kernel === null ? [] : [kernel]), `${type}, ${head} head`].join(' ')

/** What the model added to the process, as against its file. */
function memoryText({ memory, fileBytes }: ContenderFacts): string {
  if (memory === null) return ''
  const added = memory.now.pssBytes - memory.before.pssBytes
  return `${byteText(added)}, ${(added / fileBytes).toFixed(2)}`
}

const longestContext = ({ contenders }: Measurement) =>
  Math.max(...contenders.map(({ facts }) => facts.context))

const shortContext = ({ contender, facts }: Measurement['contenders'][number]) =>
  `${contender.name} is slow: it has ${facts.context} tokens before, to its favour`

function ratios(ours: Contender, peers: readonly Contender[], rows: readonly number[]): string {
  const best = (k: number) =>
    peers.reduce((least, peer) => (peer.passes.get(k)!.least < least.passes.get(k)!.least ? peer : least))
  const each = rows.map((k) => {
    const peer = best(k)
    const ratio = peer.passes.get(k)!.least / ours.passes.get(k)!.least
    return `K=${k} ${ratio.toFixed(2)} times (${peer.name})`
  })
  return `${ours.name} is faster than the best of the others: ${each.join(', ')}`
}

function memoryRemark(memory: MemorySpeed, threads: number, ours: Contender | undefined): string {
  const { together, alone, passBytes } = memory
  const floor = floorMs(memory)
  const one = ours?.passes.get(1)?.least
  const taken = one === undefined ? '' : `; ${ours!.name} takes ${(one / floor).toFixed(2)} times as long`
  return (
    `Memory: ${byteText(together.most)}/s with ${threads}, ${byteText(alone.most)}/s with 1 thread. ` +
    `${byteText(passBytes)} are read in a pass, so K=1 takes ${ms(floor)} ms at least${taken}`
  )
}

function aligned(table: readonly (readonly string[])[]): string[] {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  )
}

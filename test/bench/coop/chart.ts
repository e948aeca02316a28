import { type Cell, MODES, type Mode } from './cells.ts'

/** What all of it shows. */
const SUBJECT = 'Tokens a second, over the Oracle alone'
/** One colour a mode that stands out from white and from near black alike. */
const COLOURS: Readonly<Record<Mode, string>> = {
  alone: '#8a8f98',
  local: '#d08a1d',
  'scouts-1': '#3b82c4',
  'scouts-4': '#1f9d74',
}
const BAR = 11
/** Between the groups of one panel; between panels; from a panel's edge to its first bar. */
const GAP = 12
const PANEL_GAP = 28
const MARGIN = 16
const AXIS = 60
const HEADER = 64
const TITLE = 34
const HEIGHT = 150
const LABELS = 52
/** A panel with few groups is still as wide as its title. */
const LEAST_PANEL = 170

/** Light, and dark where the reader's system is. */
const STYLE = `
  text { font: 11px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #444; }
  .title { font-size: 15px; font-weight: 600; fill: #111; }
  .panel { font-size: 12px; font-weight: 600; fill: #222; }
  .strong { fill: #111; }
  .ground { fill: #fff; }
  .grid { stroke: #e3e5e8; }
  .one { stroke: #555; }
  @media (prefers-color-scheme: dark) {
    text { fill: #b4b9c0; }
    .title, .panel, .strong { fill: #f0f2f4; }
    .ground { fill: #16181c; }
    .grid { stroke: #30343a; }
    .one { stroke: #a0a6ae; }
  }`

/** The cells of one number of users and one speed of Scouts. */
interface Panel {
  readonly title: string
  readonly groups: readonly Group[]
}

/** Bars that stand together: of one round trip and one acceptance. */
interface Group {
  readonly rttMs: number
  readonly alpha: number
  readonly cells: readonly Cell[]
}

/** Bars of tokens/s over the Oracle alone, as SVG: a row a shape, a panel a number of users, a group a round trip and an α. */
export function chart(cells: readonly Cell[]): string {
  const shapes = [...new Set(cells.map(({ shape }) => shape))]
  const rows = shapes.map((shape) => panelsOf(cells.filter((cell) => cell.shape === shape)))
  const widths = rows.map((panels) => AXIS + sum(panels.map((panel) => panelWidth(panel) + PANEL_GAP)))
  const width = Math.max(520, 2 * MARGIN + Math.max(0, ...widths))
  const rowHeight = TITLE + HEIGHT + LABELS
  const height = HEADER + shapes.length * rowHeight
  const parts = rows.map((panels, i) => shapeRow(shapes[i]!, panels, HEADER + i * rowHeight))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">
<title>${SUBJECT}</title>
<style>${STYLE}
</style>
<rect class="ground" width="100%" height="100%"/>
<text class="title" x="${MARGIN}" y="26">${SUBJECT}</text>
${legend(cells)}
${parts.join('\n')}
</svg>
`
}

function legend(cells: readonly Cell[]): string {
  const present = MODES.filter((mode) => mode !== 'alone' && cells.some((cell) => cell.mode === mode))
  const entries = present.map((mode, i) => {
    const x = MARGIN + 92 * i
    return `<rect x="${x}" y="39" width="11" height="11" rx="2" fill="${COLOURS[mode]}"/><text x="${x + 16}" y="49">${mode}</text>`
  })
  const x = MARGIN + 92 * present.length
  entries.push(
    `<line class="one" x1="${x}" x2="${x + 18}" y1="45" y2="45"/><text x="${x + 24}" y="49">alone</text>`,
  )
  return entries.join('\n')
}

function panelsOf(cells: readonly Cell[]): Panel[] {
  const panels = new Map<string, Cell[]>()
  for (const cell of cells) {
    const key = JSON.stringify([cell.users, cell.speed])
    panels.set(key, [...(panels.get(key) ?? []), cell])
  }
  return [...panels.values()]
    .sort(([a], [b]) => a!.users - b!.users || b!.speed - a!.speed)
    .map((own) => ({ title: panelTitle(own), groups: groupsOf(own) }))
}

function panelTitle(cells: readonly Cell[]): string {
  const { users, speed } = cells[0]!
  const alone = cells.filter(({ mode }) => mode === 'alone').map(({ tokens_per_s }) => tokens_per_s)
  const shown = [...new Set([Math.min(...alone), Math.max(...alone)].map((rate) => rate.toFixed(1)))]
  return `${users} ${users === 1 ? 'user' : 'users'}, Scouts ${speed}×, alone ${shown.join('–')} tokens/s`
}

function groupsOf(cells: readonly Cell[]): Group[] {
  const groups = new Map<string, Cell[]>()
  for (const cell of cells) {
    if (cell.mode === 'alone') continue
    const key = JSON.stringify([cell.rtt_ms, cell.alpha])
    groups.set(key, [...(groups.get(key) ?? []), cell])
  }
  return [...groups.values()]
    .map((own) => ({
      rttMs: own[0]!.rtt_ms,
      alpha: own[0]!.alpha,
      cells: [...own].sort((a, b) => MODES.indexOf(a.mode) - MODES.indexOf(b.mode)),
    }))
    .sort((a, b) => a.rttMs - b.rttMs || a.alpha - b.alpha)
}

function groupWidth({ cells }: Group): number {
  // No narrower than its label.
  return Math.max(cells.length * BAR, 20)
}

function panelWidth({ title, groups }: Panel): number {
  const bars = sum(groups.map((group) => groupWidth(group) + GAP))
  return Math.max(LEAST_PANEL, 7.2 * title.length, bars)
}

function shapeRow(shape: string, panels: readonly Panel[], top: number): string {
  const values = panels.flatMap(({ groups }) =>
    groups.flatMap(({ cells }) => cells.map((cell) => cell.over_alone)),
  )
  const step = Math.max(1, ...values) > 2.6 ? 1 : 0.5
  const most = step * Math.ceil((0.1 + Math.max(1, ...values)) / step)
  const floor = top + TITLE + HEIGHT
  const y = (value: number) => floor - (value / most) * HEIGHT
  const ticks = Array.from({ length: most / step + 1 }, (_, i) => i * step)
  const end = MARGIN + AXIS + sum(panels.map((panel) => panelWidth(panel) + PANEL_GAP)) - PANEL_GAP
  const lines = ticks.map(
    (value) =>
      `<line class="${value === 1 ? 'one' : 'grid'}" x1="${MARGIN + AXIS - 6}" x2="${end}" y1="${y(value)}" y2="${y(value)}"/>` +
      `<text x="${MARGIN + AXIS - 10}" y="${y(value) + 4}" text-anchor="end">${value}×</text>`,
  )
  let x = MARGIN + AXIS
  const drawn = panels.map((panel) => {
    const at = x
    x += panelWidth(panel) + PANEL_GAP
    return drawPanel(panel, at, { top, floor, y })
  })
  const name = `<text class="panel" x="${MARGIN}" y="${top + 18}">${shape}</text>`
  const meanings = [
    ['α', 17],
    ['round trip', 36],
  ] as const
  const axis = meanings.map(
    ([text, below]) =>
      `<text x="${MARGIN + AXIS - 10}" y="${floor + below}" text-anchor="end">${text}</text>`,
  )
  return [name, ...lines, ...axis, ...drawn].join('\n')
}

interface Frame {
  readonly top: number
  readonly floor: number
  readonly y: (value: number) => number
}

function drawPanel({ title, groups }: Panel, left: number, { top, floor, y }: Frame): string {
  let x = left
  const parts = [`<text class="panel" x="${left}" y="${top + 18}">${title}</text>`]
  /** Where the groups of one round trip begin and end. */
  const spans = new Map<number, { from: number; to: number }>()
  for (const group of groups) {
    const width = groupWidth(group)
    const middle = x + width / 2
    const first = middle - (group.cells.length * BAR) / 2
    parts.push(
      ...group.cells.map((cell, i) => bar(cell, first + i * BAR, y(cell.over_alone), floor)),
      `<text x="${middle}" y="${floor + 17}" text-anchor="middle">${group.alpha}</text>`,
    )
    spans.set(group.rttMs, { from: spans.get(group.rttMs)?.from ?? x, to: x + width })
    x += width + GAP
  }
  for (const [rttMs, { from, to }] of spans)
    parts.push(
      `<line class="grid" x1="${from}" x2="${to}" y1="${floor + 23}" y2="${floor + 23}"/>`,
      `<text class="strong" x="${(from + to) / 2}" y="${floor + 36}" text-anchor="middle">${rttMs} ms</text>`,
    )
  return parts.join('\n')
}

function bar(cell: Cell, x: number, top: number, floor: number): string {
  const title = `${cell.mode}: ${cell.tokens_per_s} tokens/s, ${cell.over_alone}× alone`
  const box = `x="${x}" y="${top}" width="${BAR - 2}" height="${floor - top}" rx="1.5"`
  return `<rect ${box} fill="${COLOURS[cell.mode]}"><title>${title}</title></rect>`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

import { type Cell, MODES, type Mode } from './cells.ts'

const COLOURS: Readonly<Record<Mode, string>> = {
  alone: '#8a8f98',
  local: '#c98a2b',
  'scouts-1': '#3b82c4',
  'scouts-4': '#1f9d74',
}
const BAR = 14
const GAP = 18
const LEFT = 44
const TOP = 40
const HEIGHT = 180
const BOTTOM = 52

/** Bars of tokens/s against the Oracle alone, one group a setting, one row a shape. As SVG. */
export function chart(cells: readonly Cell[]): string {
  const shapes = [...new Set(cells.map(({ shape }) => shape))]
  const rows = shapes.map((shape) => groupsOf(cells.filter((cell) => cell.shape === shape)))
  const width = LEFT + Math.max(...rows.map((groups) => sum(groups.map(widthOf)))) + GAP
  const height = shapes.length * (TOP + HEIGHT + BOTTOM) + 10
  const parts = rows.map((groups, i) => row(shapes[i]!, groups, i * (TOP + HEIGHT + BOTTOM), width))
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" font-size="11">
<rect width="100%" height="100%" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

type Group = readonly Cell[]

function groupsOf(cells: readonly Cell[]): Group[] {
  const groups = new Map<string, Cell[]>()
  for (const cell of cells) {
    const key = JSON.stringify([cell.users, cell.speed, cell.rtt_ms, cell.alpha])
    groups.set(key, [...(groups.get(key) ?? []), cell])
  }
  return [...groups.values()]
}

function widthOf(group: Group): number {
  return Math.max(group.length * BAR, 3 * BAR) + GAP
}

function row(shape: string, groups: readonly Group[], top: number, width: number): string {
  const most = Math.max(1.2, ...groups.flat().map(({ over_alone }) => over_alone))
  const floor = top + TOP + HEIGHT
  const y = (value: number) => floor - (value / most) * HEIGHT
  const lines = [0.5, 1, 1.5, 2, 2.5, 3, 4, 5].filter((value) => value <= most)
  const grid = lines.map(
    (value) =>
      `<line x1="${LEFT}" x2="${width}" y1="${y(value)}" y2="${y(value)}" stroke="${value === 1 ? '#555' : '#ddd'}"/>` +
      `<text x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end" fill="#555">${value}×</text>`,
  )
  const legend = MODES.map(
    (mode, i) =>
      `<rect x="${LEFT + 220 + 90 * i}" y="${top + 10}" width="10" height="10" fill="${COLOURS[mode]}"/>` +
      `<text x="${LEFT + 234 + 90 * i}" y="${top + 19}" fill="#333">${mode}</text>`,
  )
  let x = LEFT + GAP / 2
  const bars = groups.map((group) => {
    const at = x
    x += widthOf(group)
    const { users, rtt_ms, alpha, speed } = group[0]!
    const drawn = group.map((cell, i) => {
      const title = `${cell.mode}: ${cell.tokens_per_s} tokens/s, ${cell.over_alone}× alone`
      const box = `x="${at + i * BAR}" y="${y(cell.over_alone)}" width="${BAR - 2}" height="${floor - y(cell.over_alone)}"`
      return `<rect ${box} fill="${COLOURS[cell.mode]}"><title>${title}</title></rect>`
    })
    const words = [`α ${alpha}`, `${rtt_ms} ms`, `${users} × ${speed}`]
    const labels = words.map(
      (word, i) =>
        `<text x="${at + (group.length * BAR) / 2}" y="${floor + 14 + 13 * i}" text-anchor="middle" fill="#333">${word}</text>`,
    )
    return drawn.join('') + labels.join('')
  })
  const title = `<text x="${LEFT}" y="${top + 20}" font-size="14" fill="#111">${shape}: tokens/s over alone</text>`
  return [title, ...grid, ...legend, ...bars].join('\n')
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

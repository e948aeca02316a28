/** One thing that was looked at. */
export interface Check {
  /** `browser`, `bridge`, `daemon`, … */
  readonly topic: string
  /** `warn`: works, and could be better; `wrong`: something does not work. */
  readonly status: 'ok' | 'warn' | 'wrong'
  readonly text: string
  /** For what is not ok: what to do. */
  readonly todo?: string
}

export function ok(topic: string, text: string): Check {
  return { topic, status: 'ok', text }
}

export function warn(topic: string, text: string, todo: string): Check {
  return { topic, status: 'warn', text, todo }
}

export function wrong(topic: string, text: string, todo: string): Check {
  return { topic, status: 'wrong', text, todo }
}

const COLOURS = { ok: '\x1b[32m', warn: '\x1b[33m', wrong: '\x1b[31m' } as const
const PLAIN = '\x1b[0m'

/** Aligned lines, and below each that is not ok what to do. */
export function report(checks: readonly Check[], colour: boolean): string {
  const widest = Math.max(...checks.map(({ topic }) => topic.length))
  let before = ''
  return checks
    .map(({ topic, status, text, todo }) => {
      const mark = status.padEnd(5)
      const name = (topic === before ? '' : topic).padEnd(widest)
      before = topic
      const indent = ' '.repeat(widest + 9)
      const [first = '', ...more] = text.trimEnd().split('\n')
      const lines = [first, ...more.map((line) => `${indent}${line}`)]
      if (todo !== undefined) lines.push(`${indent}→ ${todo}`)
      return `${name}  ${colour ? `${COLOURS[status]}${mark}${PLAIN}` : mark}  ${lines.join('\n')}\n`
    })
    .join('')
}

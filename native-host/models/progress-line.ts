import { byteText, timeText } from './byte-text.ts'
import type { DownloadProgress } from './download.ts'
import { Speedometer } from './speedometer.ts'

/** A terminal's line is drawn anew so often; elsewhere a line is written so often. */
const TERMINAL_MS = 100
const LOG_MS = 5_000
const LONGEST_BAR = 30

export interface ProgressSink {
  /** Whether the last line can be drawn again. */
  readonly isTerminal: boolean
  readonly columns: number
  write(text: string): void
}

/** One line that tells how a download goes: redrawn on a terminal, a plain one every few seconds elsewhere. */
export class ProgressLine {
  readonly #sink: ProgressSink
  readonly #now: () => number
  #speed = new Speedometer()
  #shown = Number.NEGATIVE_INFINITY
  #heading = ''
  #isDrawn = false

  constructor(sink: ProgressSink, now: () => number = () => performance.now()) {
    this.#sink = sink
    this.#now = now
  }

  update(file: string, progress: DownloadProgress): void {
    const now = this.#now()
    const heading = `${progress.phase} ${file}`
    const isNew = heading !== this.#heading
    if (isNew) {
      this.#heading = heading
      this.#speed = new Speedometer()
      this.#speed.add(progress.done, now)
      // A log needs no line about a beginning.
      if (!this.#sink.isTerminal) this.#shown = now
    }
    const isLast = progress.done === progress.total
    const isDue = now - this.#shown >= (this.#sink.isTerminal ? TERMINAL_MS : LOG_MS)
    const isWanted = this.#sink.isTerminal ? isNew || isLast : isLast && progress.phase === 'fetching'
    if (!isDue && !isWanted) return
    this.#speed.add(progress.done, now)
    this.#shown = now
    const text = describeProgress(file, progress, this.#speed.bytesPerSecond(), this.#sink.columns)
    this.#sink.write(this.#sink.isTerminal ? `\r\x1b[K${text}` : `${text}\n`)
    this.#isDrawn = this.#sink.isTerminal
  }

  /** A line of its own, above the progress. */
  say(text: string): void {
    this.end()
    this.#sink.write(`${text}\n`)
  }

  /** Leaves the line as it is and goes on below it. */
  end(): void {
    if (this.#isDrawn) this.#sink.write('\n')
    this.#isDrawn = false
    this.#heading = ''
  }
}

/** `model.gguf [#####-----] 50 %  1.15/2.30 GB  37.0 MB/s  0:31 left`, as much of it as fits. */
export function describeProgress(
  file: string,
  { phase, done, total }: DownloadProgress,
  bytesPerSecond: number | null,
  columns: number,
): string {
  const parts: string[] = []
  if (phase === 'checking') parts.push('checking')
  if (total !== null && total > 0) parts.push(`${Math.floor((100 * done) / total)} %`)
  parts.push(total === null ? byteText(done) : `${byteText(done)} of ${byteText(total)}`)
  if (bytesPerSecond !== null && phase === 'fetching') {
    parts.push(`${byteText(bytesPerSecond)}/s`)
    if (total !== null && bytesPerSecond > 0 && done < total)
      parts.push(`${timeText((total - done) / bytesPerSecond)} left`)
  }
  const figures = parts.join('  ')
  const name =
    file.length > columns / 3 ? `${file.slice(0, Math.max(1, Math.floor(columns / 3) - 1))}…` : file
  const room = Math.min(LONGEST_BAR, columns - name.length - figures.length - 5)
  const bar = total === null || total === 0 || room < 5 ? '' : `[${barOf(done / total, room)}] `
  return `${name} ${bar}${figures}`.slice(0, Math.max(1, columns - 1))
}

function barOf(share: number, length: number): string {
  const full = Math.min(length, Math.floor(share * length))
  return '#'.repeat(full) + '-'.repeat(length - full)
}

import { sseData } from '../../shared/api/sse-data.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { loadSettings } from '../settings/load.ts'
import { DaemonClient } from './daemon-client.ts'

export interface RunOptions {
  readonly model?: string
  readonly keepAlive?: string
  readonly url?: string
  readonly system?: string
  readonly maxTokens?: string
  readonly temperature?: string
  readonly seed?: string
  readonly raw?: boolean
  readonly stats?: boolean
  /** commander's `--no-color` gives false, `--color` true. */
  readonly color?: boolean
}

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string }
    readonly text?: string
    readonly shard?: { readonly tokens?: readonly (readonly [string, string | null])[] }
  }[]
  readonly usage?: {
    readonly completion_tokens: number
    readonly completion_tokens_details: {
      readonly accepted_prediction_tokens: number
      readonly rejected_prediction_tokens: number
    }
  } | null
  readonly error?: { readonly message: string }
  readonly shard?: { readonly scope: string; readonly seed: string }
}

/** Green, as the chat page tints what Scouts drafted. */
const TINT = '\x1b[32m'
const PLAIN = '\x1b[0m'
const DIM = '\x1b[2m'

/** `shard run "prompt"`: streams an answer from the running daemon. */
export async function run(words: readonly string[], options: RunOptions, flags: ReadonlyMap<string, string>) {
  const prompt = words.length > 0 ? words.join(' ') : await standardInput()
  if (prompt.trim() === '') throw new ShardError('USAGE', 'there is no prompt: shard run "Tell me a story."')
  const { settings } = loadSettings({ env: process.env, flags, short: {} })
  const client = new DaemonClient(settings, options.url)
  const over = new AbortController()
  process.once('SIGINT', () => {
    over.abort()
    process.exitCode = 130
  })
  const color =
    options.color ?? (process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== 'dumb')
  const startedAt = performance.now()
  try {
    const sampling = {
      stream: true,
      stream_options: { include_usage: true },
      ...(options.model !== undefined && { model: options.model }),
      ...(options.keepAlive !== undefined && { keep_alive: options.keepAlive }),
      ...(options.maxTokens !== undefined && { max_tokens: numberOf('--max-tokens', options.maxTokens) }),
      ...(options.temperature !== undefined && {
        temperature: numberOf('--temperature', options.temperature),
      }),
      ...(options.seed !== undefined && { seed: options.seed }),
    }
    const messages = [
      ...(options.system ? [{ role: 'system', content: options.system }] : []),
      { role: 'user', content: prompt },
    ]
    const response = options.raw
      ? await client.post('/v1/completions', { prompt, ...sampling }, over.signal)
      : await client.post('/v1/chat/completions', { messages, ...sampling }, over.signal)
    let last: Chunk | null = null
    for await (const data of sseData(response.body!)) {
      const chunk = JSON.parse(data) as Chunk
      if (chunk.error) throw new ShardError('REFUSED', chunk.error.message)
      for (const choice of chunk.choices ?? []) writeChoice(choice, color)
      if (chunk.usage) last = chunk
    }
    process.stdout.write('\n')
    if (last && (options.stats ?? process.stderr.isTTY === true))
      process.stderr.write(account(last, performance.now() - startedAt, color))
  } catch (error) {
    if (over.signal.aborted) process.stdout.write('\n')
    else throw error
  }
}

function writeChoice(choice: NonNullable<Chunk['choices']>[number], color: boolean): void {
  const tokens = choice.shard?.tokens
  if (!color || !tokens) {
    process.stdout.write(choice.delta?.content ?? choice.text ?? '')
    return
  }
  for (const [text, by] of tokens) process.stdout.write(by === null ? text : TINT + text + PLAIN)
}

function account({ usage, shard }: Chunk, ms: number, color: boolean): string {
  const { completion_tokens: tokens, completion_tokens_details: drafts } = usage!
  const { accepted_prediction_tokens: accepted, rejected_prediction_tokens: rejected } = drafts
  const rate = ((tokens * 1000) / ms).toFixed(1)
  const share = accepted + rejected === 0 ? '' : ` of ${accepted + rejected} tested`
  const line = `${tokens} tokens, ${rate}/s; ${accepted} drafted and accepted${share}; seed ${shard?.seed}`
  return color ? `${DIM}${line}${PLAIN}\n` : `${line}\n`
}

function numberOf(flag: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value))
    throw new ShardError('USAGE', `${flag} must be a number, not ${JSON.stringify(text)}`)
  return value
}

async function standardInput(): Promise<string> {
  if (process.stdin.isTTY) return ''
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk
  return text
}

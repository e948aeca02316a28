// npm run bench:oracle [-- --json] [-- --tokens N]: tokens/s of the Oracle alone, with a local drafter, and with two Scouts,
// at pace 0 (the embedded target as fast as it goes) and 60 ms (as if it were large). Build first.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startOracle, temporaryHome, waitForScouts } from '../support/shard-process.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    tokens: { type: 'string', default: '96' },
    prompts: { type: 'string', default: '6' },
  },
})
const maxTokens = Number(values.tokens)
const PROMPTS: readonly string[] = JSON.parse(
  readFileSync(new URL('../../models/prompts.json', import.meta.url), 'utf8'),
).slice(0, Number(values.prompts))

const MODES = {
  alone: ['--mesh-enabled', 'false'],
  local: ['--mesh-enabled', 'false', '--draft-local', 'model'],
  'scouts-2': ['--scouts', '2'],
} as const
const PACES_MS = [0, 60]
const TEMPERATURES = [0, 0.7]
const USERS = [1, 4]

interface Cell {
  readonly mode: string
  readonly pace_ms: number
  readonly users: number
  readonly temperature: number
  readonly tokens_per_s: number
  /** Accepted drafts over all tokens. */
  readonly drafted_share: number
}

interface Usage {
  readonly completion_tokens: number
  readonly completion_tokens_details: { readonly accepted_prediction_tokens: number }
}

async function ask(url: string, prompt: string, temperature: number, seed: number): Promise<Usage> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: prompt }],
      max_tokens: maxTokens,
      temperature,
      seed,
    }),
  })
  const body = (await response.json()) as { usage: Usage }
  if (!response.ok) throw new Error(JSON.stringify(body))
  return body.usage
}

async function measure(url: string, users: number, temperature: number): Promise<[number, number]> {
  const started = performance.now()
  const queue = PROMPTS.map((prompt, i) => ({ prompt, seed: i }))
  let tokens = 0
  let accepted = 0
  const user = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) {
      const usage = await ask(url, job.prompt, temperature, job.seed)
      tokens += usage.completion_tokens
      accepted += usage.completion_tokens_details.accepted_prediction_tokens
    }
  }
  await Promise.all(Array.from({ length: users }, user))
  return [(tokens * 1000) / (performance.now() - started), accepted / tokens]
}

const cells: Cell[] = []
for (const pace_ms of PACES_MS) {
  for (const [mode, flags] of Object.entries(MODES)) {
    await using home = await temporaryHome()
    const oracle = await startOracle(join(home.path, 'oracle'), '--engine-pace-ms', String(pace_ms), ...flags)
    try {
      if (mode === 'scouts-2') await waitForScouts(oracle.url, 2)
      await ask(oracle.url, 'Tell me a story about a fox.', 1, 0)
      for (const users of USERS) {
        for (const temperature of TEMPERATURES) {
          const [tokens_per_s, drafted_share] = await measure(oracle.url, users, temperature)
          const cell = { mode, pace_ms, users, temperature, tokens_per_s, drafted_share }
          cells.push(cell)
          if (values.json) process.stdout.write(`${JSON.stringify(cell)}\n`)
          else process.stderr.write('.')
        }
      }
    } finally {
      await oracle.stop()
    }
  }
}
if (!values.json) {
  process.stderr.write('\n')
  console.table(
    cells.map((cell) => ({
      ...cell,
      tokens_per_s: Number(cell.tokens_per_s.toFixed(1)),
      drafted_share: Number(cell.drafted_share.toFixed(2)),
    })),
  )
}

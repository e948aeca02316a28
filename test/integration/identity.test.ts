import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ensureIdentity } from '../../native-host/mesh/identity.ts'
import { ShardProcess, startOracle, temporaryHome, waitForScouts } from '../support/shard-process.ts'

/**
 * The promise: whatever Scouts do, the text is the Oracle's own. 100 prompts, greedy and coupled, are answered once by an
 * Oracle alone and again under every fault; a fault counts only when enough drafts were tested, some of them accepted and
 * some rejected.
 */
const PROMPTS: readonly string[] = JSON.parse(
  readFileSync(new URL('../../models/prompts.json', import.meta.url), 'utf8'),
)
const MODES = [
  { name: 'greedy', temperature: 0 },
  { name: 'coupled', temperature: 0.9, top_p: 0.95 },
] as const
const MAX_TOKENS = 40
/** Twice the slots: some requests run, some wait, as under load. */
const USERS = 8
const LEAST_TESTED = 1000

interface Answer {
  readonly text: string
  readonly tokens: number
  readonly accepted: number
  readonly rejected: number
}

const jobs = MODES.flatMap((mode) => PROMPTS.map((prompt, i) => ({ mode, prompt, seed: 1000 + i })))

async function ask(url: string, { mode, prompt, seed }: (typeof jobs)[number]): Promise<Answer> {
  const { name: _, ...sampling } = mode
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      messages: [{ role: 'user', content: prompt }],
      max_tokens: MAX_TOKENS,
      seed,
      ...sampling,
    }),
  })
  const body = await response.json()
  if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(body)}`)
  const details = body.usage.completion_tokens_details
  return {
    text: body.choices[0].message.content,
    tokens: body.usage.completion_tokens,
    accepted: details.accepted_prediction_tokens,
    rejected: details.rejected_prediction_tokens,
  }
}

/** All jobs, `USERS` at a time; `after` is called after each answer. */
async function askAll(url: string, after: (answered: number) => void = () => {}): Promise<Answer[]> {
  const answers = new Array<Answer>(jobs.length)
  let next = 0
  let answered = 0
  const user = async () => {
    for (let i = next++; i < jobs.length; i = next++) {
      answers[i] = await ask(url, jobs[i]!)
      after(++answered)
    }
  }
  await Promise.all(Array.from({ length: USERS }, user))
  return answers
}

describe('with Scouts, and without: the same text', () => {
  let home: Awaited<ReturnType<typeof temporaryHome>>
  let alone: Answer[]
  let peerIds: string[]
  const scoutHome = (i: number) => join(home.path, `scout-${i}`)

  const open = async () => {
    const paired = peerIds.flatMap((id) => ['--mesh-paired', id])
    // A pace at which this machine's Scouts can keep up, so that drafts count; verified whether they pay or not.
    const flags = ['--engine-pace-ms', '12', '--scheduler-force-drafts', ...paired]
    const oracle = await startOracle(join(home.path, 'oracle'), ...flags)
    const topology = await (await fetch(`${oracle.url}/v1/system/topology`)).text()
    const address = topology.match(/\/ip4\/127\.0\.0\.1\/tcp\/\d+\/p2p\/\w+/)?.[0]
    expect(address, topology).toBeDefined()
    const scout = (i: number, fault?: string) => {
      const faulty = fault === undefined ? [] : ['--fault', fault]
      return new ShardProcess(['scout', '--oracle', address!, '--home', scoutHome(i), ...faulty])
    }
    return { oracle, scout }
  }

  const check = (answers: readonly Answer[]) => {
    const sum = (key: 'accepted' | 'rejected') => answers.reduce((total, answer) => total + answer[key], 0)
    const same = answers.filter(
      ({ text, tokens }, i) => text === alone[i]!.text && tokens === alone[i]!.tokens,
    )
    const wrong = answers.findIndex((answer, i) => answer.text !== alone[i]!.text)
    if (wrong >= 0) expect(answers[wrong]).toEqual(alone[wrong])
    expect(same.length).toBe(jobs.length)
    expect(sum('accepted') + sum('rejected')).toBeGreaterThanOrEqual(LEAST_TESTED)
    expect(sum('accepted')).toBeGreaterThan(0)
    expect(sum('rejected')).toBeGreaterThan(0)
  }

  beforeAll(async () => {
    expect(PROMPTS.length).toBeGreaterThanOrEqual(100)
    home = await temporaryHome()
    peerIds = await Promise.all(
      [0, 1].map(async (i) => (await ensureIdentity(join(scoutHome(i), 'mesh'))).peerId),
    )
    const oracle = await startOracle(join(home.path, 'alone'), '--mesh-scope', 'none')
    try {
      alone = await askAll(oracle.url)
    } finally {
      await oracle.stop()
    }
    expect(alone.some((answer) => answer.accepted > 0)).toBe(false)
    expect(new Set(alone.map((answer) => answer.text)).size).toBeGreaterThan(100)
  })

  afterAll(() => home[Symbol.asyncDispose]())

  for (const faults of [
    [undefined, undefined],
    ['slow:10', 'slow:25'],
    ['wrong:0.3', 'wrong:0.05'],
    ['hostile:0.02', undefined],
    ['liar', 'wrong:0.1'],
    ['silent', undefined],
  ]) {
    it(`two Scouts: ${faults.map((fault) => fault ?? 'honest').join(', ')}`, async () => {
      const { oracle, scout } = await open()
      const scouts = faults.map((fault, i) => scout(i, fault))
      try {
        await waitForScouts(oracle.url, 2)
        check(await askAll(oracle.url))
      } finally {
        await Promise.all(scouts.map((process) => process.stop('SIGKILL')))
        await oracle.stop()
      }
    })
  }

  it('Scouts killed in mid-draft and replaced, again and again', async () => {
    const { oracle, scout } = await open()
    const scouts = [scout(0), scout(1)]
    const stopping: Promise<void>[] = []
    let kills = 0
    try {
      await waitForScouts(oracle.url, 2)
      const answers = await askAll(oracle.url, (answered) => {
        if (answered % 25 !== 0 || answered === jobs.length) return
        const i = kills++ % 2
        stopping.push(scouts[i]!.stop('SIGKILL'))
        scouts[i] = scout(i)
      })
      check(answers)
      expect(kills).toBe(Math.ceil(jobs.length / 25) - 1)
      expect(oracle.log).toContain('rerouting')
      const metrics = await (await fetch(`${oracle.url}/metrics`)).text()
      expect(metrics).toMatch(/^shard_\w*rerout\w*(\{.*\})? [1-9]/m)
    } finally {
      await Promise.all([...stopping, ...scouts.map((process) => process.stop('SIGKILL'))])
      await oracle.stop()
    }
  })
})

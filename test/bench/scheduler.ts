/**
 * npm run bench:scheduler [-- --json] [-- --requests 100 --scouts 1000 --each 10]: what a decision of the scheduler costs: an
 * Oracle in simulated time with so many requests and Scouts, so many of them for each request. Told is the processor time
 * of a pass: frames taken in, paths chosen, the pass planned, a wait weighed, accounts and news; the simulated Scouts' own
 * work is part of it, so it is an upper bound.
 */
import { parseArgs } from 'node:util'
import { Draws } from '../support/draws.ts'
import { simulate } from '../support/simulation.ts'
import { ArgumentError, count, runMain } from './engine/arguments.ts'

const TOKENS = 60
/** Requests that a simulated Scout drafts at once. */
const CAPACITY = 1

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      requests: { type: 'string', default: '100' },
      scouts: { type: 'string', default: '1000' },
      each: { type: 'string', default: '10' },
    },
  })
  const requests = count('--requests', values.requests)
  const scouts = count('--scouts', values.scouts)
  const each = count('--each', values.each)
  if (requests * each > scouts * CAPACITY)
    throw new ArgumentError(`${scouts} Scouts do not suffice for ${requests} requests × ${each}`)
  const draws = new Draws(1)
  const started = process.cpuUsage()
  const { passes, accepted, emitted } = await simulate({
    ...{ seed: 1, endless: true, crashes: new Set<number>() },
    settings: { slots: requests, scoutsPerRequest: each, maxRows: 4096 },
    cost: (rows) => 60 + 0.05 * rows,
    requests: Array.from({ length: requests }, () => ({
      ...{ atMs: 0, promptLength: 4, maxTokens: TOKENS, cancelMs: null, stopAt: null, turns: 1 },
    })),
    workers: Array.from({ length: scouts }, () => ({
      ...{ behaviour: 'honest' as const, alpha: draws.between(0.4, 0.9), tokenMs: draws.between(5, 20) },
      ...{ delayMs: draws.between(1, 40), jitterMs: 2, loss: 0.01, lifeMs: 0, capacity: CAPACITY },
    })),
  })
  const { user, system } = process.cpuUsage(started)
  const figures = {
    requests,
    scouts,
    scouts_per_request: each,
    passes,
    tokens: emitted,
    accepted,
    cpu_ms_per_pass: Math.round((user + system) / 10 / passes) / 100,
  }
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else
    for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(20)}${value}\n`)
})

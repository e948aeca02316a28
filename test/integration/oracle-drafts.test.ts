import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { FixedPool } from '../../native-host/oracle/combined-pool.ts'
import { createOracle, type Oracle } from '../../native-host/oracle/oracle.ts'
import type { OracleSettings } from '../../native-host/oracle/settings.ts'
import { faultyDrafter } from '../../native-host/scout/faults.ts'
import type { DraftWorker } from '../../shared/drafter/draft-worker.ts'
import { EngineDrafter } from '../../shared/drafter/engine-drafter.ts'
import { LocalWorker } from '../../shared/drafter/local-worker.ts'
import type { Engine } from '../../shared/engine/engine.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { GREEDY, type SamplingSettings } from '../../shared/verify/settings.ts'
import { bentWorker } from '../support/bent-worker.ts'
import { Draws } from '../support/draws.ts'
import { type Answer, answer, generationRequest, NEVER } from '../support/generations.ts'
import { randomGguf } from '../support/random-gguf.ts'

const MODEL = randomGguf({ seed: 5 })
const MODES: readonly SamplingSettings[] = [
  GREEDY,
  { ...GREEDY, temperature: 0.9, topP: 0.95 },
  {
    ...GREEDY,
    temperature: 1.2,
    topK: 40,
    repetitionPenalty: 1.1,
    frequencyPenalty: 0.2,
    presencePenalty: 0.1,
  },
]
const draws = new Draws(9)
const PROMPTS = Array.from({ length: 4 }, () =>
  Array.from({ length: draws.int(1, 40) }, () => draws.int(0, 250)),
)
const JOBS = PROMPTS.flatMap((prompt, i) =>
  MODES.map((settings) =>
    generationRequest(prompt, { settings, key: { lo: i, hi: 7 }, maxTokens: 18, topLogprobs: 3 }),
  ),
)
/** Drafts count however slow this machine is: a pass waits for one that is owed. */
const FORCED = { forceDrafts: true, maxWaitMs: 2_000, measureMs: 0 }

function open(
  engine: Engine,
  workers: readonly DraftWorker[],
  settings: Partial<OracleSettings> = FORCED,
): Oracle {
  const oracle = createOracle({ engine, pool: new FixedPool(workers), settings })
  onTestFinished(() => oracle.stop())
  return oracle
}

const run = (oracle: Oracle) => Promise.all(JOBS.map((job) => answer(oracle.generate(job, NEVER))))
const texts = (answers: readonly Answer[]) =>
  answers.map(({ tokens }) => tokens.map(({ id, logprob, top }) => ({ id, logprob, top })))

describe('the Oracle with drafters, on a real engine', () => {
  let engine: Engine
  let alone: Answer[]
  /** Drafts with the target itself: always right. */
  let perfect: DraftWorker

  beforeAll(async () => {
    engine = await loadReferenceEngine(MODEL, { maxSequences: 32, maxRows: 256 })
    perfect = new LocalWorker(
      new EngineDrafter(await loadReferenceEngine(MODEL, { maxSequences: 32, maxRows: 256 })),
    )
    const oracle = createOracle({ engine, settings: { measureMs: 0 } })
    alone = await run(oracle)
    await oracle.stop()
    // A model that repeats itself would hide a token in the wrong place.
    expect(new Set(alone.flatMap(({ ids }) => ids)).size).toBeGreaterThan(40)
  })

  const sum = (answers: readonly Answer[], key: 'acceptedDrafts' | 'rejectedDrafts') =>
    answers.reduce((total, { usage }) => total + usage[key], 0)

  it('a perfect one: the same text, bit for bit, from far fewer passes', async () => {
    const answers = await run(open(engine, [perfect]))
    expect(texts(answers)).toEqual(texts(alone))
    expect(sum(answers, 'acceptedDrafts')).toBeGreaterThan(JOBS.length * 7)
    expect(sum(answers, 'rejectedDrafts')).toBe(0)
    for (const { tokens } of answers) {
      for (const { drafted, by } of tokens) expect(by).toBe(drafted ? perfect.id : null)
    }
  })

  it('one that is wrong half of the time', async () => {
    const drafter = new EngineDrafter(await loadReferenceEngine(MODEL, { maxSequences: 32, maxRows: 256 }))
    const wrong = new LocalWorker(faultyDrafter(drafter, { kind: 'wrong', chance: 0.5 }), 'wrong')
    const answers = await run(open(engine, [wrong]))
    expect(texts(answers)).toEqual(texts(alone))
    expect(sum(answers, 'acceptedDrafts')).toBeGreaterThan(20)
    expect(sum(answers, 'rejectedDrafts')).toBeGreaterThan(20)
  })

  it('one that is late, one that dies, one that is right: all at once', async () => {
    const late = bentWorker(perfect, 'late', (frame, sink) => {
      setTimeout(() => sink.draft(frame), 30)
    })
    let frames = 0
    const dying = bentWorker(perfect, 'dying', (frame, sink) => {
      if (++frames % 5 === 0) sink.closed('connection lost', false)
      else sink.draft(frame)
    })
    const answers = await run(open(engine, [late, dying, perfect], { ...FORCED, scoutsPerRequest: 2 }))
    expect(texts(answers)).toEqual(texts(alone))
    expect(sum(answers, 'acceptedDrafts')).toBeGreaterThan(20)
  })

  it('hostile ones are thrown out and change nothing', async () => {
    const bends: ((id: number) => object)[] = [
      () => ({ epoch: 9 }),
      () => ({ position: 1e9 }),
      () => ({ tokens: [] }),
      () => ({ tokens: [engine.info.model.vocabSize] }),
      () => ({ tokens: [-1] }),
      () => ({ tokens: [Number.NaN] }),
      () => ({ tokens: Array.from({ length: 1000 }, () => 1) }),
    ]
    const hostile = bends.map((bend, i) =>
      bentWorker(perfect, `hostile-${i}`, (frame, sink) => sink.draft({ ...frame, ...bend(i) })),
    )
    const oracle = open(engine, hostile, { ...FORCED, scoutsPerRequest: 2 })
    const answers = await run(oracle)
    expect(texts(answers)).toEqual(texts(alone))
    expect(sum(answers, 'acceptedDrafts')).toBe(0)
    expect(oracle.status().workers.every(({ drafted }) => drafted === 0)).toBe(true)
  })

  it('a flood does not fill the memory', async () => {
    const flood = bentWorker(perfect, 'flood', (frame, sink) => {
      for (let i = 0; i < 100_000; i++) sink.draft(frame)
    })
    const answers = await run(open(engine, [flood]))
    expect(texts(answers)).toEqual(texts(alone))
  })

  it('cuts at a stop within drafted tokens: what lies past it counts for nobody', async () => {
    const oracle = open(engine, [perfect])
    for (const [i, job] of JOBS.entries()) {
      const stopAt = alone[i]!.ids[7]!
      const first = alone[i]!.ids.indexOf(stopAt)
      const cut = await answer(oracle.generate({ ...job, isStop: ({ id }) => id === stopAt }, NEVER))
      expect(cut).toMatchObject({ ids: alone[i]!.ids.slice(0, first + 1), finish: 'stop' })
      expect(cut.usage.acceptedDrafts).toBe(cut.tokens.filter(({ drafted }) => drafted).length)
      expect(cut.usage.rejectedDrafts).toBe(0)
    }
    const [worker] = oracle.status().workers
    // What it drafted, as far as it counts, was confirmed: it is perfect.
    expect(worker?.accepted).toBeGreaterThan(20)
    expect(worker?.drafted).toBe(worker?.accepted)
  })

  it('a chat’s next turn goes on from the kept cache, bit for bit', async () => {
    const oracle = open(engine, [perfect])
    const [job] = JOBS
    const turn = await answer(oracle.generate(job!, NEVER))
    const prompt = [...job!.prompt, ...turn.ids, 3, 1, 4]
    const next = generationRequest(prompt, { ...job, prompt })
    const fresh = await answer(open(engine, []).generate(next, NEVER))
    const reused = await answer(oracle.generate(next, NEVER))
    expect(fresh.usage.cachedTokens).toBe(0)
    expect(reused.usage.cachedTokens).toBe(prompt.length - 4)
    expect(texts([reused])).toEqual(texts([fresh]))
    // And again, from a sequence that went on past the prefix.
    const branch = [...prompt.slice(0, -10), 9, 9]
    const other = generationRequest(branch, { ...job, prompt: branch })
    const branched = await answer(oracle.generate(other, NEVER))
    expect(branched.usage.cachedTokens).toBe(branch.length - 2)
    expect(texts([branched])).toEqual(texts([await answer(open(engine, []).generate(other, NEVER))]))
  })
})

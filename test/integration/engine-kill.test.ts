import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { EngineSupervisor } from '../../native-host/engine/supervisor.ts'
import { createMetrics } from '../../native-host/metrics.ts'
import { FixedPool } from '../../native-host/oracle/combined-pool.ts'
import { createOracle } from '../../native-host/oracle/oracle.ts'
import { nodeScript } from '../../native-host/packaged/self-command.ts'
import { EngineDrafter } from '../../shared/drafter/engine-drafter.ts'
import { LocalWorker } from '../../shared/drafter/local-worker.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { GREEDY } from '../../shared/verify/settings.ts'
import { answer, generationRequest, NEVER } from '../support/generations.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { tempFolder } from '../support/temp-folder.ts'

const ENTRY = fileURLToPath(new URL('../support/engine-entry.ts', import.meta.url))
const MODEL = randomGguf({ seed: 6 })
const MODES = [GREEDY, { ...GREEDY, temperature: 1, topP: 0.95 }]
const JOBS = [30, 7, 1].flatMap((length, i) =>
  MODES.map((settings) =>
    generationRequest(
      Array.from({ length }, (_, j) => (i * 61 + j * 17) % 250),
      { settings, key: { lo: i, hi: 3 }, maxTokens: 24, topLogprobs: 2 },
    ),
  ),
)

/** An Oracle over an engine in a process of its own. */
async function open(options: { drafts: boolean; backoffMs?: number; maxFailedStarts?: number }) {
  const { backoffMs = 1, maxFailedStarts = 5, drafts } = options
  const model = join(await tempFolder(), 'model.gguf')
  await writeFile(model, MODEL)
  const supervisor = new EngineSupervisor({
    self: nodeScript(ENTRY),
    load: { model, kind: 'reference' },
    limits: { backoffMs, maxFailedStarts },
  })
  await supervisor.start()
  const metrics = createMetrics()
  const workers = drafts ? [new LocalWorker(new EngineDrafter(await loadReferenceEngine(MODEL)))] : []
  const oracle = createOracle({
    engine: supervisor.engine,
    pool: new FixedPool(workers),
    settings: { slots: 3, measureMs: 0, paceMs: 5, forceDrafts: drafts, maxWaitMs: 500 },
    metrics,
    engineState: () => supervisor.state,
  })
  onTestFinished(async () => {
    await oracle.stop()
    await supervisor.stop()
  })
  const losses = async () => (await metrics.engineLosses.get()).values[0]?.value ?? 0
  return { oracle, supervisor, model, losses }
}

describe('an engine that is killed in mid-answer', () => {
  let alone: Awaited<ReturnType<typeof answer>>[]

  beforeAll(async () => {
    const oracle = createOracle({ engine: await loadReferenceEngine(MODEL), settings: { measureMs: 0 } })
    alone = await Promise.all(JOBS.map((job) => answer(oracle.generate(job, NEVER))))
    await oracle.stop()
  })

  for (const drafts of [false, true]) {
    it(`comes back, and every request goes on to the same text${drafts ? ', with drafts' : ''}`, async () => {
      const { oracle, supervisor, losses } = await open({ drafts })
      const pids = new Set<number | undefined>()
      let tokens = 0
      const kill = () => {
        pids.add(supervisor.status.pid)
        process.kill(supervisor.status.pid!, 'SIGKILL')
      }
      const answers = await Promise.all(
        JOBS.map((job) =>
          answer(oracle.generate(job, NEVER), (more) => {
            const before = tokens
            tokens += more.length
            // Twice, while others run and while others wait for a slot.
            for (const moment of [10, 60]) if (before < moment && tokens >= moment) kill()
          }),
        ),
      )
      expect(
        answers.map(({ tokens }) => tokens.map(({ id, logprob, top }) => ({ id, logprob, top }))),
      ).toEqual(alone.map(({ tokens }) => tokens.map(({ id, logprob, top }) => ({ id, logprob, top }))))
      expect(answers.map(({ finish }) => finish)).toEqual(alone.map(({ finish }) => finish))
      expect(pids.size).toBe(2)
      expect(supervisor.restarts).toBe(2)
      expect(await losses()).toBe(2)
      await expect.poll(() => oracle.status()).toMatchObject({ engineState: 'ready', running: 0, queued: 0 })
      if (drafts) expect(answers.some(({ usage }) => usage.acceptedDrafts > 0)).toBe(true)
    })
  }

  it('between two turns: what was kept is gone, the answer is the same', async () => {
    const { oracle, supervisor } = await open({ drafts: false })
    const [job] = JOBS
    expect((await answer(oracle.generate(job!, NEVER))).ids).toEqual(alone[0]!.ids)
    expect((await answer(oracle.generate(job!, NEVER))).usage.cachedTokens).toBeGreaterThan(0)
    const back = new Promise<void>((resolve) => {
      supervisor.onState(({ state }) => void (state === 'ready' && resolve()))
    })
    process.kill(supervisor.status.pid!, 'SIGKILL')
    await back
    const again = await answer(oracle.generate(job!, NEVER))
    expect(again.ids).toEqual(alone[0]!.ids)
    expect(again.usage.cachedTokens).toBe(0)
  })

  it('that does not come back: every request is told ENGINE_FAILED, also those that wait', async () => {
    const { oracle, supervisor, model } = await open({ drafts: false, maxFailedStarts: 1 })
    let killed = false
    const codes = await Promise.all(
      JOBS.map((job) =>
        answer(oracle.generate({ ...job, maxTokens: 200 }, NEVER), () => {
          if (killed) return
          killed = true
          void rm(model).then(() => process.kill(supervisor.status.pid!, 'SIGKILL'))
        }).then(
          () => 'answered',
          (error: { code: string }) => error.code,
        ),
      ),
    )
    expect(new Set(codes)).toEqual(new Set(['ENGINE_FAILED']))
    await expect.poll(() => oracle.status()).toMatchObject({ engineState: 'failed', running: 0, queued: 0 })
    await expect(answer(oracle.generate(JOBS[0]!, NEVER))).rejects.toMatchObject({ code: 'ENGINE_FAILED' })
  })
})

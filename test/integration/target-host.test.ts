import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { DraftTarget } from '../../native-host/mesh/draft-service.ts'
import { createMetrics } from '../../native-host/metrics.ts'
import { ModelCatalog } from '../../native-host/models/model-catalog.ts'
import { ModelsFolder } from '../../native-host/models/models-folder.ts'
import { Registry } from '../../native-host/models/registry.ts'
import { nodeScript } from '../../native-host/packaged/self-command.ts'
import { DEFAULT_SETTINGS } from '../../native-host/settings/schema.ts'
import { TargetHost } from '../../native-host/targets/target-host.ts'
import { type Log, SILENT } from '../../shared/log.ts'
import { answer, generationRequest, NEVER } from '../support/generations.ts'
import { installModel } from '../support/installed-model.ts'
import { tempFolder } from '../support/temp-folder.ts'
import { VirtualClock } from '../support/virtual-clock.ts'

const ENTRY = fileURLToPath(new URL('../support/doomed-engine-entry.ts', import.meta.url))
const MINUTE = 60_000

/** A host of installed models, in engine processes of their own, with time in the test's hands. */
async function host(names: readonly string[], log: Log = SILENT) {
  const data = await tempFolder()
  const paths: string[] = []
  for (const [i, name] of names.entries()) paths.push(await installModel(data, name, { seed: i + 1 }))
  const folder = new ModelsFolder({ data, config: data, cache: data })
  const catalog = new ModelCatalog(folder, paths[0]!, {
    kvCache: 'f16',
    packing: 'auto',
    machineBytes: 2 ** 34,
  })
  const clock = new VirtualClock()
  const announced: (readonly DraftTarget[])[] = []
  const targets = new TargetHost({
    settings: { ...DEFAULT_SETTINGS, 'engine.kind': 'reference' },
    catalog,
    registry: Registry.load(),
    home: await catalog.own(),
    self: nodeScript(ENTRY),
    pool: () => null,
    targets: (next) => announced.push(next),
    changed: () => {},
    clock,
    metrics: createMetrics(),
    log,
  })
  onTestFinished(() => targets.stop())
  await targets.start()
  const generate = async (model: string | null, keepAliveMs: number | null = null) => {
    const lease = await targets.use({ model, keepAliveMs }, NEVER)
    try {
      const request = generationRequest([1, 2, 3], { maxTokens: 8 })
      return (await answer(lease.generator.generate(request, NEVER))).ids
    } finally {
      lease.release()
    }
  }
  const states = () =>
    targets.models().map((model) => {
      const { id, state } = model as { id: string; state: string }
      return `${id} ${state}`
    })
  return { targets, clock, generate, states, announced }
}

describe('the host of models', () => {
  it('an engine that is killed while it loads: everybody is told, and the model before comes back', async () => {
    const { targets, generate, states } = await host(['alpha', 'doomed'])
    const before = await generate('alpha')
    const both = [generate('doomed'), generate('doomed')].map((one) =>
      expect(one).rejects.toMatchObject({ code: 'LOAD_FAILED', message: expect.stringContaining('SIGKILL') }),
    )
    await Promise.all(both)
    // Nobody asks for it: it is loaded because it had made room in vain.
    await expect.poll(states).toEqual(['alpha ready'])
    expect(await generate(null)).toEqual(before)
    expect(targets.status().engineState).toBe('ready')
  })

  it('by the clock: a model goes when its time is over, home comes back, and Scouts are told of both', async () => {
    const { clock, generate, states, announced } = await host(['alpha', 'beta'])
    const names = () => announced.at(-1)!.map(({ model }) => model)
    const [alpha, beta] = [await generate('alpha'), await generate('beta', 3 * MINUTE)]
    expect(alpha).not.toEqual(beta)
    expect(names()).toEqual(['random bitnet TQ2_0 2'])
    // One tokenizer: there was no moment at which a Scout had nobody to draft for.
    expect(announced.every((targets) => targets.length === 1)).toBe(true)
    await clock.run(clock.sleep(3 * MINUTE - 1), 10 * MINUTE)
    expect(states()).toEqual(['beta ready'])
    await clock.run(clock.sleep(2), 10 * MINUTE)
    await expect.poll(states).toEqual(['alpha ready'])
    expect(names()).toEqual(['random bitnet TQ2_0 1'])
    expect(await generate(null)).toEqual(alpha)
  })

  it('stops in the middle of a load', async () => {
    const warnings: object[] = []
    const warn = (fields: object) => void warnings.push(fields)
    const { targets, generate } = await host(['alpha', 'beta'], { ...SILENT, warn, error: warn })
    const waits = expect(generate('beta')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
    await expect.poll(() => targets.models()).toMatchObject([{ id: 'beta', state: 'loading' }])
    await targets.stop()
    await waits
    expect(targets.models()).toEqual([])
    expect(warnings).toEqual([])
    await expect(generate('alpha')).rejects.toMatchObject({ code: 'SHUTTING_DOWN' })
  })
})

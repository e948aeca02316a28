import { describe, expect, it, onTestFinished } from 'vitest'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { loadWgslEngine } from '../../shared/engine/wgsl/load-wgsl-engine.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { nodeGpu } from '../support/webgpu.ts'
import { BITNET_MODELS, OTHER_MODELS } from './engine/models.ts'
import type { OpenEngine } from './engine/open-engine.ts'
import { describeEngineContract } from './engine-contract.ts'

/** Every set of shaders that an adapter may get; this one has all features. One device, so that each is compiled once. */
const VARIANTS = {
  'wgsl-dot4-subgroups': { dot4: true, subgroups: true, narrow: false },
  'wgsl-portable': { dot4: false, subgroups: false, narrow: true },
} as const

const device = await requestDevice(nodeGpu())

for (const [kernel, variant] of Object.entries(VARIANTS)) {
  const open: OpenEngine = async (model, limits) => {
    const engine = await loadWgslEngine(model, { device, ...variant, ...limits })
    onTestFinished(() => engine.unload().catch(() => {}))
    return engine
  }
  describeEngineContract(kernel, open, BITNET_MODELS)
}

describe('what this engine does not run', () => {
  /** Floats it does run. */
  const runs = /tied (F32|F16|BF16)$/
  it.each(OTHER_MODELS.filter(([name]) => !runs.test(name)))('is refused: %s', async (_name, model) => {
    await expect(loadWgslEngine(randomGguf(model), { device })).rejects.toMatchObject({
      name: 'EngineError',
      code: 'GGUF_UNSUPPORTED',
      message: expect.stringContaining('WGSL engine'),
    })
  })
})

import { onTestFinished } from 'vitest'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { loadWgslEngine } from '../../shared/engine/wgsl/load-wgsl-engine.ts'
import { nodeGpu } from '../support/webgpu.ts'
import { describeEngineContract } from './engine-contract.ts'

/** Every set of shaders that an adapter may get; this one has all features. One device, so that each is compiled once. */
const VARIANTS = {
  'wgsl-dot4-subgroups': { dot4: true, subgroups: true, narrow: false },
  'wgsl-portable': { dot4: false, subgroups: false, narrow: true },
} as const

const device = await requestDevice(nodeGpu())

for (const [kernel, variant] of Object.entries(VARIANTS)) {
  describeEngineContract(kernel, async (model, limits) => {
    const engine = await loadWgslEngine(model, { device, ...variant, ...limits })
    onTestFinished(() => engine.unload().catch(() => {}))
    return engine
  })
}

import { onTestFinished } from 'vitest'
import { loadWgslEngine } from '../../shared/engine/wgsl/load-wgsl-engine.ts'
import { nodeGpu } from '../support/webgpu.ts'
import { describeEngineContract } from './engine-contract.ts'

/** Every set of shaders that an adapter may get; this one has all features. */
const VARIANTS = {
  'wgsl-dot4-subgroups': {},
  'wgsl-portable': { dot4: false, subgroups: false },
} as const

for (const [kernel, variant] of Object.entries(VARIANTS)) {
  describeEngineContract(kernel, async (model, limits) => {
    const engine = await loadWgslEngine(model, { gpu: nodeGpu(), ...variant, ...limits })
    // A device takes threads and memory, so it should not wait for the garbage collector.
    onTestFinished(() => engine.unload().catch(() => {}))
    return engine
  })
}

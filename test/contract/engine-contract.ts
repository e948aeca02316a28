import { describe } from 'vitest'
import { describeFaults } from './engine/faults.ts'
import { BITNET_MODELS, type NamedModel, OTHER_MODELS } from './engine/models.ts'
import { describeNumerics } from './engine/numerics.ts'
import type { OpenEngine } from './engine/open-engine.ts'
import { describeVerifying } from './engine/verifying.ts'

/**
 * What every engine promises, whoever wrote it. Call it once per engine (and kernel set):
 * `describeEngineContract('native avx2', (model, limits) => loadNativeEngine(model, { kernel: 'avx2', ...limits }))`.
 * @param models that it runs: all, or what it says
 */
export function describeEngineContract(
  name: string,
  open: OpenEngine,
  models: readonly NamedModel[] = [...BITNET_MODELS, ...OTHER_MODELS],
): void {
  describe(`engine contract, ${name}`, () => {
    describe('numerics', () => describeNumerics(open, models))
    describe('verify', () => describeVerifying(open))
    describe('faults', () => describeFaults(open))
  })
}

import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import { builtAddon } from '../support/native-addon.ts'
import { describeEngineContract } from './engine-contract.ts'

const addon = builtAddon()

for (const kernel of addon.kernels()) {
  describeEngineContract(`native ${kernel}`, (model, limits) =>
    loadNativeEngine(model, { kernel, threads: 2, addon, ...limits }),
  )
}

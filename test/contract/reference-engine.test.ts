import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { describeEngineContract } from './engine-contract.ts'

describeEngineContract('reference', (model, limits) => loadReferenceEngine(model, limits))

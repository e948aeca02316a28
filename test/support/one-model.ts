import type { ListedModel, ModelHost } from '../../native-host/api/model-host.ts'
import type { TextCodec } from '../../native-host/api/text-codec.ts'
import { modelId } from '../../native-host/models/model-id.ts'
import type { Generator } from '../../native-host/oracle/generation.ts'
import { TargetError } from '../../native-host/targets/target-error.ts'

/** A host of one model that is always loaded. */
export function oneModel(generator: Generator, codec: TextCodec): ModelHost {
  const engine = generator.status().engine!
  const id = modelId(engine.model.name)
  const listed: ListedModel = {
    id,
    name: engine.model.name,
    createdS: 1,
    architecture: engine.model.architecture,
    parameters: engine.model.parameters,
    contextLength: engine.model.contextLength,
    vocabulary: engine.model.vocabSize,
    bytes: 1,
    state: 'loaded',
    engine,
  }
  return {
    status: () => generator.status(),
    currentId: () => id,
    list: async () => [listed],
    idOf: async (name) => {
      if (name === null || name === id || name === engine.model.name) return id
      throw new TargetError('MODEL_NOT_FOUND', `the model ${JSON.stringify(name)} does not exist here`)
    },
    use: async () => ({ id, engine, generator, codec, release: () => {} }),
  }
}

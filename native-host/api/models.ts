import type { EngineInfo } from '../../shared/engine/engine.ts'
import { type ApiContext, engineFor, modelId } from './context.ts'

/** GET /v1/models */
export function listModels({ generator }: ApiContext, created: number): object {
  const { engine } = generator.status()
  return { object: 'list', data: engine ? [describeModel(engine, created)] : [] }
}

/** GET /v1/models/:id @throws {ApiError} 404 */
export function oneModel(api: ApiContext, id: string, created: number): object {
  return describeModel(engineFor(api, id), created)
}

function describeModel({ model, kind, kernel }: EngineInfo, created: number): object {
  return {
    id: modelId(model),
    object: 'model',
    created,
    owned_by: 'shard',
    shard: {
      name: model.name,
      architecture: model.architecture,
      parameters: model.parameters,
      context_length: model.contextLength,
      vocabulary: model.vocabSize,
      engine: kind,
      kernel,
    },
  }
}

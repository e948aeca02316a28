import { ApiError } from './api-error.ts'
import type { ApiContext } from './context.ts'
import type { ListedModel } from './model-host.ts'

/** GET /v1/models: those that a request may name. */
export async function listModels({ models }: ApiContext): Promise<object> {
  return { object: 'list', data: (await models.list()).map(describeModel) }
}

/** GET /v1/models/:id, by whatever name a request could use. @throws {ApiError} 404 {TargetError} */
export async function oneModel({ models }: ApiContext, name: string): Promise<object> {
  const id = await models.idOf(name)
  const found = (await models.list()).find((model) => model.id === id)
  if (found) return describeModel(found)
  throw new ApiError(404, `the model ${JSON.stringify(name)} has just been removed`, {
    code: 'model_not_found',
    param: 'model',
  })
}

function describeModel({ id, name, createdS, state, engine, bytes, ...facts }: ListedModel): object {
  return {
    id,
    object: 'model',
    created: createdS,
    owned_by: 'shard',
    shard: {
      name,
      state,
      architecture: facts.architecture,
      parameters: facts.parameters,
      context_length: facts.contextLength,
      vocabulary: facts.vocabulary,
      bytes,
      ...(engine && { engine: engine.kind, kernel: engine.kernel }),
    },
  }
}

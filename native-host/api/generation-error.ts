import { EngineError } from '../../shared/engine/engine-error.ts'
import { GenerationError, type OracleStatus } from '../oracle/generation.ts'
import { TargetError } from '../targets/target-error.ts'
import { ApiError } from './api-error.ts'

/** Bounds of what Retry-After says: sooner is no use, later is a guess. */
const LEAST_RETRY_S = 1
const LONGEST_RETRY_S = 30

/** What a failed generation is to a client; anything unforeseen is a 500 without its details. */
export function toApiError(
  error: unknown,
  status: OracleStatus,
  promptField: string | null = null,
): ApiError {
  if (error instanceof ApiError) return error
  if (error instanceof GenerationError) {
    const options = { cause: error }
    switch (error.code) {
      case 'OVERLOADED':
        return new ApiError(503, `${error.message}; try again later`, {
          code: 'overloaded',
          headers: { 'Retry-After': String(retryAfter(status)) },
          ...options,
        })
      case 'PROMPT_TOO_LONG':
        return new ApiError(400, error.message, {
          code: 'context_length_exceeded',
          param: promptField,
          ...options,
        })
      case 'ENGINE_FAILED':
        return new ApiError(503, `the engine does not run: ${error.message}`, {
          code: 'engine_failed',
          ...options,
        })
      case 'SHUTTING_DOWN':
        return new ApiError(503, 'this Oracle is shutting down', {
          code: 'shutting_down',
          headers: { 'Retry-After': '5' },
          ...options,
        })
      case 'ABORTED':
        return new ApiError(499, 'the request was cancelled', { code: 'aborted', ...options })
    }
  }
  if (error instanceof TargetError) return fromTarget(error)
  if (error instanceof EngineError)
    return new ApiError(503, `the engine failed: ${error.message}`, {
      code: error.code.toLowerCase(),
      cause: error,
    })
  return new ApiError(500, 'something went wrong inside this Oracle; its log says what', {
    code: 'internal_error',
    cause: error,
  })
}

/** Clients try a 5xx again by themselves: not where that changes nothing. */
const NO_RETRY = { 'X-Should-Retry': 'false' }

function fromTarget(error: TargetError): ApiError {
  const options = { param: 'model', cause: error }
  switch (error.code) {
    case 'MODEL_NOT_FOUND':
      return new ApiError(404, error.message, { code: 'model_not_found', ...options })
    case 'NOT_LOADABLE':
      return new ApiError(503, error.message, { code: 'model_not_loadable', headers: NO_RETRY, ...options })
    case 'TOO_LITTLE_MEMORY':
      return new ApiError(503, error.message, { code: 'insufficient_memory', headers: NO_RETRY, ...options })
    case 'LOAD_FAILED':
      return new ApiError(503, error.message, { code: 'model_load_failed', headers: NO_RETRY, ...options })
  }
}

function retryAfter({ queued, slots }: OracleStatus): number {
  return Math.min(LONGEST_RETRY_S, Math.max(LEAST_RETRY_S, Math.ceil(queued / slots)))
}

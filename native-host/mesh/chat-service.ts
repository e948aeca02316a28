import type {
  AnswerFailure,
  GenerateEvent,
  GenerateRequest,
  NodeInfo,
} from '../../shared/protocol/generate-frames.ts'

/** Who turns a conversation into an answer: the mesh itself knows neither text nor models. */
export interface ChatService {
  info(): NodeInfo
  /** Ends early with the signal or when its reader leaves, and then frees what it holds within one pass. */
  answer(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>
  /** What an error of `answer` is to the peer; nothing of it must tell what a stranger should not know. */
  failure(error: unknown): AnswerFailure
}

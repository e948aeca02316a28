import type { ApiError } from './api-error.ts'

/** Proxies and clients give up on silent connections; a comment every so often keeps them. */
const KEEPALIVE_MS = 15_000

const HEADERS = {
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

/**
 * A stream of JSON events, `[DONE]` at its end. Written as fast as the client reads.
 * @param failed turns what `events` throws into the error event that ends the stream
 * @param gone called when the client leaves
 */
export function eventStream(
  events: AsyncIterator<object>,
  failed: (error: unknown) => ApiError,
  gone: () => void,
): Response {
  const encoder = new TextEncoder()
  let next: Promise<IteratorResult<object>> | null = null
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const send = (text: string) => controller.enqueue(encoder.encode(text))
        next ??= events.next()
        let timer: NodeJS.Timeout | undefined
        const silence = new Promise<null>((resolve) => {
          timer = setTimeout(resolve, KEEPALIVE_MS, null)
        })
        try {
          const result = await Promise.race([next, silence])
          if (result === null) return send(': still here\n\n')
          next = null
          if (!result.done) return send(`data: ${JSON.stringify(result.value)}\n\n`)
          send('data: [DONE]\n\n')
          controller.close()
        } catch (error) {
          send(`data: ${JSON.stringify(failed(error).body())}\n\n`)
          controller.close()
        } finally {
          clearTimeout(timer)
        }
      },
      cancel: gone,
    },
    { highWaterMark: 1 },
  )
  return new Response(body, { headers: HEADERS })
}

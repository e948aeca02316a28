/** The data of server-sent events up to `[DONE]`; comments are passed over. */
export async function* sseData(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let buffer = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      buffer += decoder.decode(value, { stream: true })
      const events = buffer.split('\n\n')
      buffer = events.pop()!
      for (const event of events) {
        if (!event.startsWith('data: ')) continue
        const data = event.slice(6)
        if (data === '[DONE]') return
        yield data
      }
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}

/** The data of server-sent events, up to `[DONE]`. */
export async function* sseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  let buffer = ''
  const decoder = new TextDecoder()
  for await (const bytes of body as unknown as AsyncIterable<Uint8Array>) {
    buffer += decoder.decode(bytes, { stream: true })
    const events = buffer.split('\n\n')
    buffer = events.pop()!
    for (const event of events) {
      if (!event.startsWith('data: ')) continue
      const data = event.slice(6)
      if (data === '[DONE]') return
      yield data
    }
  }
}

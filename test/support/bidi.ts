/** An answer or an event; only what is read here. */
interface Message {
  readonly id?: number | null
  readonly type: string
  readonly result?: unknown
  readonly error?: string
  readonly message?: string
}

interface Remote {
  readonly type: string
  readonly result?: { readonly value?: string }
  readonly exceptionDetails?: { readonly text: string }
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: Error): void
}

/**
 * WebDriver BiDi over a WebSocket, as little of it as the tests need. Libraries that speak it wait for events about a page
 * before they talk to it, and Firefox sends none about an extension's page until it was talked to.
 */
export class Bidi {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, Waiting>()
  #lastId = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.addEventListener('message', ({ data }) => this.#receive(JSON.parse(String(data)) as Message))
    socket.addEventListener('close', () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the browser has closed'))
      this.#waiting.clear()
    })
  }

  /** @param url what the browser printed, `ws://127.0.0.1:PORT` */
  static async open(url: string): Promise<Bidi> {
    const socket = new WebSocket(`${url}/session`)
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true })
      socket.addEventListener('error', () => reject(new Error(`no answer at ${url}`)), { once: true })
    })
    const bidi = new Bidi(socket)
    await bidi.send('session.new', { capabilities: {} })
    return bidi
  }

  send<T>(method: string, params: Readonly<Record<string, unknown>> = {}): Promise<T> {
    const id = ++this.#lastId
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject })
      this.#socket.send(JSON.stringify({ id, method, params }))
    })
  }

  /**
   * Runs a function there, which may take and return whatever is JSON, and waits for what it promises.
   * @throws what it throws
   */
  async evaluate<A extends readonly unknown[], R>(
    context: string,
    run: (...args: A) => R,
    ...args: A
  ): Promise<Awaited<R>> {
    const answer = await this.send<Remote>('script.callFunction', {
      target: { context },
      functionDeclaration: `async (args) => JSON.stringify(await (${run.toString()})(...JSON.parse(args)))`,
      arguments: [{ type: 'string', value: JSON.stringify(args) }],
      awaitPromise: true,
    })
    if (answer.exceptionDetails) throw new Error(answer.exceptionDetails.text)
    const text = answer.result?.value
    return (text === undefined ? undefined : JSON.parse(text)) as Awaited<R>
  }

  #receive(message: Message): void {
    const waiting = typeof message.id === 'number' ? this.#waiting.get(message.id) : undefined
    if (!waiting) return
    this.#waiting.delete(message.id!)
    if (message.type === 'success') waiting.resolve(message.result)
    else waiting.reject(new Error(`${message.error}: ${message.message}`))
  }
}

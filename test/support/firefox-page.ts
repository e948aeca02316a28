import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Bidi } from './bidi.ts'

const OUT = fileURLToPath(new URL('../.out/', import.meta.url))

/** WebDriver's name of the key. */
const ENTER = '\uE007'

/** A tab of Firefox. */
export class FirefoxPage {
  readonly #bidi: Bidi
  readonly #context: string

  private constructor(bidi: Bidi, context: string) {
    this.#bidi = bidi
    this.#context = context
  }

  /** Resolves when the page has loaded. */
  static async open(bidi: Bidi, url: string): Promise<FirefoxPage> {
    const { context } = await bidi.send<{ context: string }>('browsingContext.create', { type: 'tab' })
    await bidi.send('browsingContext.navigate', { context, url, wait: 'complete' })
    return new FirefoxPage(bidi, context)
  }

  evaluate<A extends readonly unknown[], R>(run: (...args: A) => R, ...args: A): Promise<Awaited<R>> {
    return this.#bidi.evaluate(this.#context, run, ...args)
  }

  /** Resolves with the text of the first such element that holds this, as soon as there is one. */
  async untilText(text: string, selector = 'body', timeoutMs = 60_000): Promise<string> {
    return this.evaluate(
      (wanted, where, ms) =>
        new Promise<string>((resolve, reject) => {
          const timer = setTimeout(() => {
            const shown = document.body.textContent
            reject(new Error(`no “${wanted}” in ${where} within ${ms} ms; the page says: ${shown}`))
          }, ms)
          const look = () => {
            for (const element of document.querySelectorAll(where)) {
              if (!element.textContent.includes(wanted)) continue
              clearTimeout(timer)
              observer.disconnect()
              resolve(element.textContent)
              return
            }
          }
          const observer = new MutationObserver(look)
          observer.observe(document, {
            subtree: true,
            childList: true,
            characterData: true,
            attributes: true,
          })
          look()
        }),
      text,
      selector,
      timeoutMs,
    )
  }

  /** Presses the mouse where the one element is that has this role and name. */
  async click(role: string, name: string): Promise<void> {
    const { nodes } = await this.#bidi.send<{ nodes: { sharedId: string }[] }>(
      'browsingContext.locateNodes',
      {
        context: this.#context,
        locator: { type: 'accessibility', value: { role, name } },
      },
    )
    if (nodes.length !== 1) throw new Error(`${nodes.length} elements are a ${role} named ${name}`)
    const origin = { type: 'element', element: { sharedId: nodes[0]!.sharedId } }
    await this.#act({
      type: 'pointer',
      id: 'mouse',
      actions: [
        { type: 'pointerMove', x: 0, y: 0, origin },
        { type: 'pointerDown', button: 0 },
        { type: 'pointerUp', button: 0 },
      ],
    })
  }

  /** Types into what has the focus, and presses Enter. */
  async enter(text: string): Promise<void> {
    const keys = [...text, ENTER]
    const actions = keys.flatMap((value) => [
      { type: 'keyDown', value },
      { type: 'keyUp', value },
    ])
    await this.#act({ type: 'key', id: 'keyboard', actions })
  }

  /** Into a folder that git ignores, to be looked at. */
  async screenshot(name: string): Promise<void> {
    const { data } = await this.#bidi.send<{ data: string }>('browsingContext.captureScreenshot', {
      context: this.#context,
    })
    await mkdir(OUT, { recursive: true })
    await writeFile(`${OUT}${name}.png`, Buffer.from(data, 'base64'))
  }

  async close(): Promise<void> {
    await this.#bidi.send('browsingContext.close', { context: this.#context })
  }

  async #act(source: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#bidi.send('input.performActions', { context: this.#context, actions: [source] })
  }
}

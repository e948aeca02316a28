import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Settings } from '../../entrypoints/options/settings.ts'
import { FIREFOX_ADDON_ID } from '../../shared/extension/identity.ts'
import { Bidi } from './bidi.ts'
import { FirefoxPage } from './firefox-page.ts'
import { type State, type StateProbe, type UntilOptions, untilState, watchState } from './state-probe.ts'

const EXTENSION = fileURLToPath(new URL('../../build/extension/firefox-mv3', import.meta.url))
const FOUND = ['/usr/bin/firefox-esr', '/usr/bin/firefox']
/** Firefox gives an extension another host name in every profile; here it is this one. */
const HOST = '6f6b6c5e-5a3c-4d0e-9f1b-2f4d3c1b7a90'

/** The Firefox that the tests drive; null where there is none. `npm test` has looked for one, and names it or nothing. */
export function firefoxPath(): string | null {
  const given = process.env.SHARD_TEST_FIREFOX
  if (given !== undefined) return given || null
  return FOUND.find((path) => existsSync(path)) ?? null
}

/** Beside what the browser sets by itself when it is driven. */
const PREFERENCES = {
  'extensions.webextensions.uuids': JSON.stringify({ [FIREFOX_ADDON_ID]: HOST }),
  // Console messages of extension pages, of workers and of the background go to standard output.
  'browser.dom.window.dump.enabled': true,
  'devtools.console.stdout.content': true,
}

/** On standard output: what pages and workers log and throw. A part of Firefox itself logs that it finds no server. */
const ERROR = /^console\.error: (?!RSLoader)|^JavaScript error: moz-extension/

/** A real Firefox with the built extension, and a page of it that hears what every page of it hears. */
export class FirefoxBrowser {
  readonly bidi: Bidi
  readonly #child: ChildProcess
  readonly #output: { text: string }
  /** The browser's own window: code there may do what the browser may. */
  readonly #window: string
  #probe: FirefoxPage | null = null

  private constructor(bidi: Bidi, child: ChildProcess, output: { text: string }, window: string) {
    this.bidi = bidi
    this.#child = child
    this.#output = output
    this.#window = window
  }

  /** @param profile an empty folder */
  static async launch(executable: string, profile: string): Promise<FirefoxBrowser> {
    if (!existsSync(EXTENSION)) throw new Error(`${EXTENSION} is missing: run npm run build`)
    const lines = Object.entries(PREFERENCES).map(
      ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});`,
    )
    await writeFile(join(profile, 'user.js'), lines.join('\n'))
    const child = spawn(
      executable,
      // System access: without it no extension page may be opened by its address.
      [
        '--headless',
        '--no-remote',
        '--profile',
        profile,
        '--remote-debugging-port=0',
        '--remote-allow-system-access',
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const output = { text: '' }
    const url = await firstAddress(child, output)
    const bidi = await Bidi.open(url)
    const { contexts } = await bidi.send<{ contexts: { context: string }[] }>('browsingContext.getTree', {
      'moz:scope': 'chrome',
    })
    const browser = new FirefoxBrowser(bidi, child, output, contexts[0]!.context)
    await browser.#install()
    return browser
  }

  open(path: string): Promise<FirefoxPage> {
    return FirefoxPage.open(this.bidi, `moz-extension://${HOST}/${path}`)
  }

  get probe(): FirefoxPage {
    if (!this.#probe) throw new Error('the browser is not open')
    return this.#probe
  }

  /** What Firefox found odd about the manifest. */
  manifestWarnings(): Promise<readonly string[]> {
    return this.#privileged((id) => {
      const { errors, warnings } = (globalThis as unknown as Privileged).WebExtensionPolicy.getByID(
        id,
      ).extension
      return [...errors, ...warnings]
    }, FIREFOX_ADDON_ID)
  }

  /** `running`, `stopped`, or on the way to one of them. */
  backgroundState(): Promise<string> {
    return this.#privileged(
      (id) => (globalThis as unknown as Privileged).WebExtensionPolicy.getByID(id).extension.backgroundState,
      FIREFOX_ADDON_ID,
    )
  }

  /** How long Firefox lets a background be without an event. */
  idleTimeoutMs(): Promise<number> {
    return this.#privileged(
      (name) => (globalThis as unknown as Privileged).Services.prefs.getIntPref(name, 30_000),
      'extensions.background.idle.timeout',
    )
  }

  /**
   * What Firefox does when it takes the background for idle, or is short of memory. Resolves when that background
   * has ended; an event may have begun another by then.
   */
  async endBackground(): Promise<void> {
    // An event in the moment between suspending and ending keeps it running: then once more. Asked anew each time, for a
    // loop in there would hold up the browser itself.
    while (!(await this.#terminateBackground()));
  }

  /** Whether the background has ended of it. */
  #terminateBackground(): Promise<boolean> {
    return this.#privileged(async (id) => {
      const { extension } = (globalThis as unknown as Privileged).WebExtensionPolicy.getByID(id)
      let ended = false
      extension.once('shutdown-background-script', () => {
        ended = true
      })
      await extension.terminateBackground({ disableResetIdleForTest: true })
      return ended
    }, FIREFOX_ADDON_ID)
  }

  /** Errors of the extension so far, wherever in it: exceptions, breaches of its policy, console.error. */
  async complaints(): Promise<readonly string[]> {
    const mark = `mark ${this.#output.text.length}`
    const heard = this.#until(mark)
    await this.probe.evaluate((text) => console.error(text), mark)
    await heard
    const logged = this.#output.text
      .split('\n')
      .filter((line) => ERROR.test(line) && !line.includes('"mark '))
    const kept = await this.#privileged(
      (host) =>
        (globalThis as unknown as Privileged).Services.console
          .getMessageArray()
          .map(({ message }) => message)
          .filter((message) => message.includes(host) && message.includes('Error')),
      HOST,
    )
    return [...logged, ...kept]
  }

  /** Writes settings as a page of the extension does. */
  async set(settings: Partial<Settings>): Promise<void> {
    await this.probe.evaluate(
      (values) => chrome.storage.local.set(values),
      settings as Record<string, unknown>,
    )
  }

  /** From now on nothing has been said of the Scout. */
  async forget(): Promise<void> {
    await this.probe.evaluate(() => {
      delete (globalThis as unknown as { shard: { state: { scout?: unknown } } }).shard.state.scout
    })
  }

  /** What was last said of the state. */
  state(): Promise<State> {
    return this.probe.evaluate(() => (globalThis as unknown as StateProbe).shard.state)
  }

  /** Resolves with the state as soon as it is so. @param when runs in the page: a function of the state and `given` */
  until<G>(
    when: (state: State, given: G) => boolean,
    what: string,
    options: UntilOptions<G> = {},
  ): Promise<State> {
    const run = (expression: string) =>
      this.probe.evaluate({ toString: () => `() => ${expression}` } as () => State)
    return untilState(run, when, what, options)
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    await this.bidi.send('browser.close').catch(() => this.#child.kill())
    await ended
  }

  async #install(): Promise<void> {
    await this.bidi.send('webExtension.install', { extensionData: { type: 'path', path: EXTENSION } })
    this.#probe = await this.open('icon/16.png')
    await this.#probe.evaluate(watchState)
  }

  #privileged<A extends readonly unknown[], R>(run: (...args: A) => R, ...args: A): Promise<Awaited<R>> {
    return this.bidi.evaluate(this.#window, run, ...args)
  }

  async #until(text: string): Promise<void> {
    while (!this.#output.text.includes(text)) await once(this.#child.stdout!, 'data')
  }
}

async function firstAddress(child: ChildProcess, output: { text: string }): Promise<string> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output.text += text
        const [, url] = output.text.match(/WebDriver BiDi listening on (ws:\S+)/) ?? []
        if (url) resolve(url)
      })
    child.on('error', reject)
    child.on('exit', (code) => reject(new Error(`Firefox ended with code ${code}:\n${output.text}`)))
  })
}

/** What of Firefox's inner parts is used. */
interface Privileged {
  readonly WebExtensionPolicy: {
    getByID(id: string): {
      readonly extension: {
        readonly errors: readonly string[]
        readonly warnings: readonly string[]
        readonly backgroundState: string
        once(event: string, listener: () => void): void
        terminateBackground(options: { disableResetIdleForTest: boolean }): Promise<void>
      }
    }
  }
  readonly Services: {
    readonly prefs: { getIntPref(name: string, otherwise: number): number }
    readonly console: { getMessageArray(): readonly { readonly message: string }[] }
  }
}

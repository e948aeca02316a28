import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium, type Page, type Worker } from 'playwright-core'
import type { Settings } from '../../entrypoints/options/settings.ts'
import { CHROMIUM_EXTENSION_ID } from '../../shared/extension/identity.ts'
import { chromiumPath } from './browser.ts'
import { type State, type StateProbe, type UntilOptions, untilState, watchState } from './state-probe.ts'

/** The build that is tested: the one of `npm run build`, or an unpacked one elsewhere. */
export const EXTENSION =
  process.env.SHARD_TEST_EXTENSION ??
  fileURLToPath(new URL('../../build/extension/chrome-mv3', import.meta.url))
const OUT = fileURLToPath(new URL('../.out/', import.meta.url))

/** A real Chromium with the built extension, and a page of it through which a test sees what every page of it sees. */
export class ExtensionBrowser {
  readonly context: BrowserContext
  /** An extension page that records what is broadcast. */
  readonly probe: Page
  readonly complaints: string[]

  readonly #profile: string

  private constructor(profile: string, context: BrowserContext, probe: Page, complaints: string[]) {
    this.#profile = profile
    this.context = context
    this.probe = probe
    this.complaints = complaints
  }

  /** @param profile the user data folder: kept, it is the same browser again; `env` is added to this process's */
  static async launch(
    profile: string,
    options: {
      readonly args?: readonly string[]
      readonly env?: NodeJS.ProcessEnv
      readonly webgpu?: boolean
    } = {},
  ): Promise<ExtensionBrowser> {
    if (!existsSync(EXTENSION)) throw new Error(`${EXTENSION} is missing: run npm run build`)
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: chromiumPath(),
      headless: true,
      chromiumSandbox: false,
      viewport: { width: 1180, height: 800 },
      env: whole({ ...process.env, ...options.env }),
      args: [
        '--no-sandbox',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        `--disable-extensions-except=${EXTENSION}`,
        `--load-extension=${EXTENSION}`,
        ...(options.webgpu === false ? [] : ['--enable-unsafe-webgpu']),
        ...(options.args ?? []),
      ],
    })
    const complaints: string[] = []
    const probe = await context.newPage()
    await probe.goto(extensionUrl('icon/16.png'))
    const browser = new ExtensionBrowser(profile, context, probe, complaints)
    await probe.evaluate(watchState)
    return browser
  }

  /** Opens a page of the extension, keeping account of what should not happen on it. */
  async open(path: string, viewport?: { width: number; height: number }): Promise<Page> {
    const page = await this.context.newPage()
    if (viewport) await page.setViewportSize(viewport)
    page.on('pageerror', (error) => this.complaints.push(`${path}: ${error.message}`))
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(`${path}: ${message.text()}`)
    })
    await page.goto(extensionUrl(path))
    return page
  }

  async serviceWorker(): Promise<Worker> {
    const own = (worker: Worker) => worker.url().startsWith(extensionUrl(''))
    return this.context.serviceWorkers().find(own) ?? this.context.waitForEvent('serviceworker', own)
  }

  /** Writes settings as a page of the extension does. */
  async set(settings: Partial<Settings>): Promise<void> {
    await this.probe.evaluate(
      (values) => chrome.storage.local.set(values),
      settings as Record<string, unknown>,
    )
  }

  async settings(): Promise<Partial<Settings>> {
    return this.probe.evaluate(() => chrome.storage.local.get()) as Promise<Partial<Settings>>
  }

  /** What was last said of the state; null for a part of which nothing was said. */
  async state(): Promise<State> {
    return this.probe.evaluate(() => (globalThis as unknown as StateProbe).shard.state)
  }

  /** Resolves with the state as soon as it is so. @param when runs in the page: a function of the state and `given` */
  until<G>(
    when: (state: State, given: G) => boolean,
    what: string,
    options: UntilOptions<G> = {},
  ): Promise<State> {
    return untilState((expression) => this.probe.evaluate(expression), when, what, options)
  }

  /** Everybody says again what they hold. */
  async ask(): Promise<void> {
    await this.probe.evaluate(() => {
      ;(globalThis as unknown as StateProbe).shard.channel.postMessage({ type: 'ask' })
    })
  }

  /** As a page does that has opened: wakes the service worker, which looks at everything anew. */
  async look(): Promise<void> {
    await this.probe.evaluate(() => chrome.runtime.sendMessage({ to: 'background', type: 'look' }))
  }

  /** What the browser does when nothing has happened for a while, or memory is short. */
  async stopServiceWorkers(): Promise<void> {
    const session = await this.context.newCDPSession(this.probe)
    const running = new Map<string, boolean>()
    let told = () => {}
    session.on('ServiceWorker.workerVersionUpdated', ({ versions }) => {
      for (const { versionId, runningStatus } of versions) running.set(versionId, runningStatus !== 'stopped')
      told()
    })
    await session.send('ServiceWorker.enable')
    await session.send('ServiceWorker.stopAllWorkers')
    // One that had nothing to do for half a minute was stopped before: it is reported once, and no change follows.
    await new Promise<void>((resolve) => {
      told = () => {
        if (running.size > 0 && ![...running.values()].includes(true)) resolve()
      }
      told()
    })
    await session.detach()
  }

  /** Offscreen documents that are open: at most one. */
  async offscreens(): Promise<number> {
    return this.probe.evaluate(
      async () =>
        (await chrome.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT' as never] })).length,
    )
  }

  /** Resolves when there is none. */
  async offscreenGone(): Promise<void> {
    await this.probe.waitForFunction(
      async () =>
        (await chrome.runtime.getContexts({ contextTypes: ['OFFSCREEN_DOCUMENT' as never] })).length === 0,
    )
  }

  async screenshot(page: Page, name: string): Promise<void> {
    await mkdir(OUT, { recursive: true })
    await page.screenshot({ path: `${OUT}${name}.png` })
  }

  async close(): Promise<void> {
    await this.context.close()
  }

  /** Ends the graphics process, as a driver's crash does; the browser starts another. */
  killGraphics(): void {
    const [pid] = processesWith(this.#profile, '--type=gpu-process')
    if (pid === undefined) throw new Error('this browser has no graphics process')
    process.kill(pid, 'SIGKILL')
  }

  /** Every process of it at once, as a crash or the end of memory does. */
  async kill(): Promise<void> {
    const gone = this.context.waitForEvent('close')
    for (const pid of processesWith(this.#profile)) process.kill(pid, 'SIGKILL')
    await gone
  }
}

/** What is undefined is unset. */
const whole = (env: NodeJS.ProcessEnv): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined))

/** Process ids of the browser that has this profile. */
function processesWith(profile: string, flag = ''): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return command.includes(`--user-data-dir=${profile}`) && command.includes(flag) ? [Number(pid)] : []
      } catch {
        return [] // it has just ended
      }
    })
}

export function extensionUrl(path: string): string {
  return `chrome-extension://${CHROMIUM_EXTENSION_ID}/${path}`
}

import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const FOUND = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const OUT = fileURLToPath(new URL('../.out/', import.meta.url))

/** The browser that the tests drive. */
export function chromiumPath(): string {
  return process.env.SHARD_TEST_BROWSER ?? FOUND.find((path) => existsSync(path)) ?? chromium.executablePath()
}

/** @param more arguments besides those that tests need anyway */
export function launchChromium(more: readonly string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    chromiumSandbox: false,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-sync',
      ...more,
    ],
  })
}

/** A page that keeps account of everything that should not happen on it. */
export async function watchedPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; complaints: string[]; close(): Promise<void> }> {
  const context = await browser.newContext({ viewport: { width: 1180, height: 800 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`))
  page.on('console', (message) => {
    // A policy violation is an error on the console.
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`)
  })
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI}`)
    })
  })
  return { page, complaints, close: () => context.close() }
}

/** Into a folder that git ignores, to be looked at. */
export async function screenshot(page: Page, name: string): Promise<void> {
  await mkdir(OUT, { recursive: true })
  await page.screenshot({ path: `${OUT}chat-${name}.png` })
}

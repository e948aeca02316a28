import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { CHROMIUM_EXTENSION_ID, EXTENSION_KEY } from '../../shared/extension/identity.ts'
import { chromiumPath } from './browser.ts'

/** Writes the smallest extension that may speak to the host: the fixed id, native messaging, loopback. */
export async function writeTinyExtension(
  folder: string,
  options: { readonly key?: string } = {},
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const manifest = {
    manifest_version: 3,
    name: 'tiny',
    version: '1',
    key: options.key ?? EXTENSION_KEY,
    permissions: ['nativeMessaging'],
    host_permissions: ['http://127.0.0.1/*'],
    background: { service_worker: 'worker.js' },
  }
  await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest))
  await writeFile(join(folder, 'worker.js'), '')
  await writeFile(join(folder, 'page.html'), '<!doctype html><title>tiny</title>')
}

/** A real Chromium with that extension. */
export function launchWithExtension(profile: string, folder: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath(),
    headless: true,
    chromiumSandbox: false,
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      `--disable-extensions-except=${folder}`,
      `--load-extension=${folder}`,
    ],
  })
}

/** One of its pages; they have its permissions. */
export async function extensionPage(context: BrowserContext, id = CHROMIUM_EXTENSION_ID): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`chrome-extension://${id}/page.html`)
  return page
}

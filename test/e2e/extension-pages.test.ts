import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { violations } from '../support/axe.ts'
import { complete } from '../support/chat-api.ts'
import { ExtensionBrowser } from '../support/extension.ts'
import { type Oracle, PACED } from '../support/paced-oracle.ts'
import { startOracle, temporaryHome } from '../support/shard-process.ts'

const POPUP = { width: 360, height: 600 }

let home: Awaited<ReturnType<typeof temporaryHome>>
let browser: ExtensionBrowser
let oracle: Oracle
let link: string

beforeAll(async () => {
  home = await temporaryHome()
  oracle = await startOracle(await mkdtemp(join(home.path, 'oracle-')), ...PACED)
  ;[, link] = (await oracle.waitForLog(/(shard:join\?\S+)/)) as unknown as [string, string]
  browser = await ExtensionBrowser.launch(await mkdtemp(join(home.path, 'profile-')))
})
afterAll(async () => {
  await browser?.close()
  await oracle?.stop()
  await home[Symbol.asyncDispose]()
})

/** In light and in dark: a picture to be looked at, and what axe says. */
async function inspect(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await browser.screenshot(page, `extension-${name}-${colorScheme}`)
    expect(await violations(page), `${name} in ${colorScheme}`).toEqual([])
  }
}

const toggle = (page: Page) => page.getByRole('switch', { name: 'Scout Mode' })

describe('the extension’s pages in Chromium', () => {
  it('explains itself in three steps, in which a join link and one switch make a Scout', async () => {
    const popup = await browser.open('popup.html', POPUP)
    await popup.getByText('Step 1 of 3').waitFor()
    await inspect(popup, 'popup-step-1')
    await popup.getByRole('button', { name: 'Next' }).click()
    await popup.getByText('Step 2 of 3').waitFor()

    const field = popup.getByRole('textbox', { name: 'Join link or address' })
    await field.fill('http://example.com')
    await popup.getByRole('button', { name: 'Add' }).click()
    await popup.getByText('neither a join link').waitFor()
    expect(await field.inputValue()).toBe('http://example.com')
    await inspect(popup, 'popup-step-2-wrong')
    await field.fill(link)
    await popup.getByRole('button', { name: 'Add' }).click()
    await popup.getByText('Added Oracle').waitFor()
    await popup.getByRole('button', { name: 'Next' }).click()
    await popup.getByText('Step 3 of 3').waitFor()
    await inspect(popup, 'popup-step-3')
    await popup.getByRole('button', { name: 'Turn on Scout Mode' }).press('Enter')
    await browser.until(({ scout }) => scout?.phase === 'ready', 'paired and ready')
    expect((await browser.settings()).introduced).toBe(true)
    await popup.close()
  })

  it('shows what is drafted, and stops at once', async () => {
    const popup = await browser.open('popup.html', POPUP)
    await popup.getByText('Ready', { exact: true }).waitFor()
    await inspect(popup, 'popup-ready')
    const answer = complete(oracle.url, { maxTokens: 200, seed: 2 })
    await popup.getByText('Drafting', { exact: true }).waitFor()
    await inspect(popup, 'popup-drafting')
    await toggle(popup).click()
    await browser.until(({ scout }) => scout?.phase === 'off', 'off')
    expect(await toggle(popup).getAttribute('aria-checked')).toBe('false')
    await browser.offscreenGone()
    await inspect(popup, 'popup-off')
    expect((await answer).text).toBe(
      (await complete(oracle.url, { maxTokens: 200, seed: 2, scope: 'none' })).text,
    )
    await toggle(popup).click()
    await browser.until(({ scout }) => scout?.phase === 'ready', 'ready again')
    await popup.close()
  })

  it('has settings that are checked, kept, and reset', async () => {
    const page = await browser.open('options.html')
    await page.getByText('Connected: this Scout is in its pool').waitFor()
    await inspect(page, 'settings')
    await page.getByRole('slider', { name: 'GPU share' }).fill('40')
    await page.getByRole('radio', { name: 'go on drafting (two GPUs)' }).check()
    await page.getByRole('radio', { name: 'every Oracle that offers work' }).check()
    await inspect(page, 'settings-changed')
    await expect
      .poll(() => browser.settings())
      .toMatchObject({ gpuShare: 40, beside: 'draft', scope: 'swarm' })
    await page.reload()
    expect(await page.getByRole('slider', { name: 'GPU share' }).inputValue()).toBe('40')
    await page.getByRole('button', { name: 'Reset to defaults' }).click()
    await expect.poll(() => browser.settings()).toMatchObject({ gpuShare: 75, beside: 'rest', scope: 'own' })
    await browser.until(({ scout }) => scout?.phase === 'ready', 'still ready')
    await page.close()
  })

  it('chats over the mesh: tinted by who drafted, stopped by a click, kept in this browser', async () => {
    const page = await browser.open('chat.html')
    await page.getByText('over the mesh').waitFor()
    await inspect(page, 'chat-welcome')
    const message = page.getByRole('textbox', { name: 'Message' })
    await message.fill('Tell me a story about a fox.')
    await message.press('Enter')
    await page.locator('.answer .drafted').first().waitFor({ timeout: 60_000 })
    await page.getByRole('button', { name: 'Stop' }).click()
    await page.locator('.answer[data-state=stopped]').waitFor()
    // The Oracle's slot is free within a pass.
    await expect
      .poll(async () => (await (await fetch(`${oracle.url}/health`)).json()).load.running, {
        timeout: 10_000,
      })
      .toBe(0)
    await inspect(page, 'chat-answer')
    const text = await page.locator('.answer .text').textContent()
    await page.reload()
    await page.getByRole('button', { name: 'Tell me a story about a fox.' }).first().click()
    expect(await page.locator('.answer .text').textContent()).toBe(text)
    await page.close()
  })

  it('complains of nothing', () => {
    expect(browser.complaints).toEqual([])
  })
})

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, screenshot, watchedPage } from '../support/browser.ts'
import { GgufSurgery } from '../support/gguf-surgery.ts'
import { installModel } from '../support/installed-model.ts'
import { type ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: ShardProcess & { url: string }
let browser: Browser

beforeAll(async () => {
  home = await temporaryHome()
  await installModel(home.path, 'alpha', { seed: 11 })
  await installModel(
    home.path,
    'incomplete',
    { seed: 44 },
    (bytes) => new GgufSurgery(bytes).rename('blk.1.ffn_up.weight', 'blk.1.ffn_xx.weight').bytes,
  )
  oracle = await startOracle(home.path, '--mesh-enabled', 'false')
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await oracle?.stop()
  await home?.[Symbol.asyncDispose]()
})

const choice = (page: Page) => page.getByRole('combobox', { name: 'Model' })

async function ask(page: Page, question: string): Promise<string> {
  const asked = page.waitForRequest('**/v1/chat/completions')
  await page.getByRole('textbox', { name: 'Message' }).fill(question)
  await page.getByRole('textbox', { name: 'Message' }).press('Enter')
  const { model = 'none' } = (await asked).postDataJSON() as { model?: string }
  return model
}

async function loaded(): Promise<string[]> {
  const { data } = (await (await fetch(`${oracle.url}/v1/models`)).json()) as {
    data: { id: string; shard: { state: string } }[]
  }
  return data.flatMap(({ id, shard }) => (shard.state === 'loaded' ? [id] : []))
}

describe('the model choice of the chat page', () => {
  it('asks the model that is chosen, keeps the choice, and says what is wrong with one', async () => {
    const { page, complaints, close } = await watchedPage(browser)
    await page.goto(oracle.url)
    await choice(page).waitFor()
    expect(await choice(page).locator('option').allTextContents()).toEqual([
      'The loaded one: Shard Tales target 6.3M (shard-tales-target-6.3m)',
      'Shard Tales target 6.3M (shard-tales-target-6.3m)',
      'random bitnet TQ2_0 11 (alpha)',
      'random bitnet TQ2_0 44 (incomplete)',
    ])
    expect(await ask(page, 'Hello')).toBe('none')
    await page.locator('.answer[data-state=done]').waitFor()

    await choice(page).selectOption('alpha')
    expect(await ask(page, 'And you?')).toBe('alpha')
    await page.locator('.answer[data-state=done]').nth(1).waitFor()
    expect(await loaded()).toEqual(['alpha'])
    // The sidebar says who is there now.
    await page.locator('.node strong', { hasText: 'random bitnet TQ2_0 11' }).waitFor()
    await screenshot(page, 'models')
    await page.reload()
    await choice(page).waitFor()
    expect(await choice(page).inputValue()).toBe('alpha')
    expect(complaints).toEqual([])

    // A random model writes until its context is full: no other turn fits into that conversation.
    await page.getByRole('button', { name: 'New conversation' }).first().click()
    await choice(page).selectOption('incomplete')
    await ask(page, 'Anybody?')
    const problem = page.locator('.problem[data-kind=model]')
    await problem.waitFor()
    expect(await problem.textContent()).toMatch(/That model does not answer[\s\S]*blk\.1\.ffn_up\.weight/)
    await screenshot(page, 'model-problem')
    // The one that made room for it is back; another choice, and it goes on.
    await choice(page).selectOption('')
    await page.getByRole('button', { name: 'Try again' }).click()
    await expect.poll(() => problem.count()).toBe(0)
    await expect.poll(() => page.locator('.answer').last().getAttribute('data-state')).toBe('done')
    await expect.poll(loaded).toEqual(['alpha'])
    await close()
  })
})

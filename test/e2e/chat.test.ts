import { readFileSync } from 'node:fs'
import type { Browser, BrowserContextOptions, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, screenshot, watchedPage } from '../support/browser.ts'
import { type ShardProcess, startOracle, temporaryHome, waitForScouts } from '../support/shard-process.ts'

const { added_tokens } = JSON.parse(
  readFileSync(new URL('../../models/embedded/tokenizer.json', import.meta.url), 'utf8'),
) as { added_tokens: { id: number }[] }
const MARKERS = Object.fromEntries(added_tokens.map(({ id }) => [id, -100]))

let home: Awaited<ReturnType<typeof temporaryHome>>
let oracle: ShardProcess & { url: string }
let browser: Browser

beforeAll(async () => {
  home = await temporaryHome()
  // As npm start has it: slow enough that Scouts can help and a reader can see it happen.
  oracle = await startOracle(home.path, '--pace', '60', '--scouts', '2')
  await waitForScouts(oracle.url, 2)
  browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await oracle?.stop()
  await home[Symbol.asyncDispose]()
})

/** A page of an Oracle whose answers go on to the token limit: what a small model says, and when it ends, is its own business. */
async function openPage(options?: BrowserContextOptions) {
  const watched = await watchedPage(browser, options)
  await watched.page.route('**/v1/chat/completions', async (route) => {
    const request = route.request().postDataJSON() as object
    await route.continue({ postData: JSON.stringify({ ...request, logit_bias: MARKERS }) })
  })
  return watched
}

const field = (page: Page) => page.getByRole('textbox', { name: 'Message' })
const answers = (page: Page) => page.locator('.answer')
const finished = (page: Page) => page.locator('.answer[data-state=done]').last().waitFor({ timeout: 120_000 })
const text = async (page: Page) => (await page.locator('.answer .text').last().textContent())!.trim()

async function longestAnswer(page: Page, tokens: number) {
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.getByLabel('Longest answer in tokens').fill(String(tokens))
  await page.getByRole('button', { name: 'Done' }).click()
}

async function ask(page: Page, question: string) {
  await field(page).fill(question)
  await field(page).press('Enter')
}

describe('the chat page in Chromium', () => {
  it('streams, tints what Scouts drafted, says who helped, and keeps the history over a reload', async () => {
    const { page, complaints, close } = await openPage()
    const outside: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith(oracle.url)) outside.push(request.url())
    })
    const response = await page.goto(oracle.url)
    const policy = response!.headers()['content-security-policy']
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    await page.locator('.welcome h1').waitFor()
    await page.locator('.node[data-state=good]').waitFor()
    await expect.poll(() => page.locator('.node').textContent()).toContain('2 Scouts standing by')
    await screenshot(page, 'welcome')

    await longestAnswer(page, 120)
    await ask(page, 'Tell me a story about a fox.')
    const tinted = page.locator('.answer .text .drafted')
    // It streams: text is there while it is still being written.
    await page.locator('.answer[data-state=writing] .caret').waitFor()
    await page.locator('.answer[data-state=writing] .drafted').first().waitFor({ timeout: 60_000 })
    await screenshot(page, 'streaming')
    await finished(page)
    const written = await text(page)
    expect(written.length).toBeGreaterThan(40)
    expect(await tinted.count()).toBeGreaterThan(0)
    expect(await tinted.first().getAttribute('title')).toMatch(
      /^Drafted by Scout \w{4}, confirmed by the Oracle$/,
    )
    const peers = (await (await fetch(`${oracle.url}/v1/system/peers`)).json()) as {
      peers: { peer_id: string }[]
    }
    expect(peers.peers.map((peer) => peer.peer_id)).toContain(await tinted.first().getAttribute('data-by'))
    const colour = (selector: string) =>
      page
        .locator(selector)
        .first()
        .evaluate((element) => getComputedStyle(element).backgroundColor)
    expect(await colour('.answer .text .drafted')).not.toBe(await colour('.answer .text'))
    const account = await page.locator('.account').textContent()
    expect(account).toMatch(/Scout \w{4}\s*\d+/)
    expect(account).toMatch(/\d+\.\d tokens\/s/)
    expect(account).toMatch(/\d+ % accepted/)
    expect(await page.locator('[role=status]').textContent()).toContain(written.slice(0, 20))
    await screenshot(page, 'answer')

    await page.reload()
    await page.locator('.answer[data-state=done]').waitFor()
    expect(await text(page)).toBe(written)
    expect(await page.locator('.conversation').allInnerTexts()).toEqual(['Tell me a story about a fox.'])

    await page.getByRole('button', { name: 'New conversation' }).click()
    await longestAnswer(page, 8)
    await ask(page, 'A second one')
    await finished(page)
    expect(await page.locator('.conversation').allInnerTexts()).toEqual([
      'A second one',
      'Tell me a story about a fox.',
    ])
    await page.getByRole('button', { name: 'Delete “A second one”' }).click()
    await expect.poll(() => page.locator('.conversation').count()).toBe(1)
    await page.reload()
    await page.locator('.answer[data-state=done]').waitFor()
    expect(await page.locator('.conversation').count()).toBe(1)
    expect(outside).toEqual([])
    expect(complaints).toEqual([])
    await close()
  })

  it('stops by button and by Escape, frees the slot, and keeps what had come', async () => {
    const { page, complaints, close } = await openPage()
    await page.goto(oracle.url)
    const running = async () => {
      const health = (await (await fetch(`${oracle.url}/health`)).json()) as { load: { running: number } }
      return health.load.running
    }
    for (const way of ['button', 'Escape']) {
      await ask(page, 'Tell me a long story about a king.')
      await page.locator('.answer[data-state=writing] .caret').waitFor()
      expect(await running()).toBe(1)
      if (way === 'button') await page.getByRole('button', { name: 'Stop' }).click()
      else await page.keyboard.press('Escape')
      await page.locator('.answer[data-state=stopped]').last().waitFor()
      await expect.poll(running, { timeout: 20_000 }).toBe(0)
      expect((await text(page)).length).toBeGreaterThan(0)
      await page.getByRole('button', { name: 'Send' }).waitFor()
    }
    expect(await answers(page).count()).toBe(2)
    expect(complaints).toEqual([])
    await close()
  })

  it('is whole by keyboard alone', async () => {
    const { page, complaints, close } = await openPage()
    await page.goto(oracle.url)
    await page.locator('.welcome h1').waitFor()
    const focused = () =>
      page.evaluate(
        () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
      )
    // One begins in the field, and the list comes before it.
    await expect.poll(focused).toBe('Message')
    await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe('Once upon a time there was a giant. What happened?')
    for (let i = 0; i < 3; i++) await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe('Settings')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog').waitFor()
    await screenshot(page, 'settings')
    await page.getByLabel('Longest answer in tokens').focus()
    await page.keyboard.press('Control+A')
    await page.keyboard.type('12')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    await field(page).focus()
    await page.keyboard.type('One line')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('and another')
    expect(await field(page).inputValue()).toBe('One line\nand another')
    await page.keyboard.press('Enter')
    await finished(page)
    expect(await page.locator('.bubble').textContent()).toBe('One line\nand another')
    expect(await field(page).inputValue()).toBe('')
    // The answer can be scrolled, copied and asked for again.
    await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe('Answer again')
    await page.keyboard.press('Enter')
    await finished(page)
    expect(await answers(page).count()).toBe(1)
    expect(complaints).toEqual([])
    await close()
  })

  it('is light or dark as the system is, and as the reader says', async () => {
    const { page, complaints, close } = await openPage({ colorScheme: 'dark' })
    await page.goto(oracle.url)
    const lightness = () =>
      page.evaluate(() => {
        const canvas = new OffscreenCanvas(1, 1).getContext('2d')!
        canvas.fillStyle = getComputedStyle(document.body).backgroundColor
        canvas.fillRect(0, 0, 1, 1)
        return canvas.getImageData(0, 0, 1, 1).data[0]!
      })
    expect(await lightness()).toBeLessThan(60)
    await longestAnswer(page, 60)
    await ask(page, 'Tell me a story about a fox.')
    await finished(page)
    await screenshot(page, 'dark')
    await page.getByRole('button', { name: 'Light colours' }).click()
    expect(await lightness()).toBeGreaterThan(200)
    await page.reload()
    expect(await lightness()).toBeGreaterThan(200)
    expect(complaints).toEqual([])
    await close()
  })

  it('fits a narrow window, with the list as a drawer', async () => {
    const { page, complaints, close } = await openPage({ viewport: { width: 390, height: 780 } })
    await page.goto(oracle.url)
    await longestAnswer(page, 40)
    await ask(page, 'Tell me a tale about a king and his three sons.')
    await finished(page)
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(overflow).toBeLessThanOrEqual(0)
    await screenshot(page, 'narrow')
    await page.getByRole('button', { name: 'Conversations' }).click()
    await expect.poll(() => page.locator('.sidebar').evaluate((e) => e.getBoundingClientRect().x)).toBe(0)
    await screenshot(page, 'drawer')
    await page.keyboard.press('Escape')
    await page.locator('.sidebar[data-open=false]').waitFor({ state: 'attached' })
    expect(complaints).toEqual([])
    await close()
  })

  it('says what is wrong and what to do when the Oracle is busy, refuses, or is gone', async () => {
    const { page, close } = await openPage()
    await page.goto(oracle.url)
    const error = { message: 'the queue is full', type: 'server_error', param: null, code: 'overloaded' }
    const busy = (route: Route) =>
      route.fulfill({ status: 503, headers: { 'retry-after': '7' }, json: { error } })
    await page.route('**/v1/chat/completions', busy)
    await ask(page, 'Hello')
    const problem = page.locator('.problem')
    await problem.waitFor()
    expect(await problem.textContent()).toMatch(/busy[\s\S]*In about 7 s/)
    await page.unroute('**/v1/chat/completions', busy)
    await longestAnswer(page, 6)
    await page.getByRole('button', { name: 'Try again' }).click()
    await finished(page)
    expect(await problem.count()).toBe(0)

    await page.getByRole('button', { name: 'New conversation' }).click()
    await ask(page, 'a fox '.repeat(2000))
    await problem.waitFor()
    expect(await problem.getAttribute('data-kind')).toBe('too-long')
    await page.getByRole('button', { name: 'New conversation' }).last().click()

    // Another Oracle, which is killed in mid-answer.
    await using other = await temporaryHome()
    const doomed = await startOracle(other.path, '--pace', '60', '--mesh-scope', 'none')
    try {
      await page.goto(doomed.url)
      await ask(page, 'Tell me a story.')
      await page.locator('.answer[data-state=writing] .caret').waitFor()
    } finally {
      await doomed.stop('SIGKILL')
    }
    await problem.waitFor()
    expect(await problem.getAttribute('data-kind')).toBe('interrupted')
    expect((await text(page)).length).toBeGreaterThan(0)
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.locator('.problem[data-kind=gone]').waitFor()
    expect(await problem.textContent()).toContain('npm start')
    await page.locator('.node[data-state=bad]').waitFor({ timeout: 30_000 })
    await screenshot(page, 'error')
    await close()
  })
})

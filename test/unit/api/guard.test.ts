import { beforeAll, describe, expect, it } from 'vitest'
import { inProcessApi } from '../../support/api.ts'

type Api = Awaited<ReturnType<typeof inProcessApi>>

const TOKEN = 'a-token-of-this-daemon'
const OURS = 'chrome-extension://igfafdlfbpaecjlbcjichmmkokkedghb'
const PATHS = ['/', '/health', '/metrics', '/v1/models', '/v1/system/peers', '/nothing']

let api: Api
let listed: Api
let keyed: Api
beforeAll(async () => {
  api = await inProcessApi({ rules: { token: TOKEN } })
  listed = await inProcessApi({ rules: { token: TOKEN, origins: [OURS] } })
  keyed = await inProcessApi({ rules: { token: TOKEN, key: 'the-key' } })
})

const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` })
/** What Chromium sends for an extension's fetch: a GET has no Origin. */
const extensionGet = { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }
const extensionPost = { ...extensionGet, origin: OURS }

const status = async (one: Api, path: string, headers: Record<string, string>) =>
  (await one.get(path, headers)).status

describe('an extension', () => {
  it.each([
    ['chrome-extension://igfafdlfbpaecjlbcjichmmkokkedghb'],
    ['moz-extension://6a1cbcf4-6b15-4a6b-9d4e-f5b1f6e0a0aa'],
    ['safari-web-extension://ABCD'],
    ['CHROME-EXTENSION://igfafdlfbpaecjlbcjichmmkokkedghb'],
  ])('%s gets nothing at any path without the token', async (origin) => {
    for (const path of PATHS)
      for (const headers of [
        {},
        bearer('wrong'),
        bearer(''),
        bearer(TOKEN.slice(0, -1)),
        bearer(`${TOKEN}x`),
        { authorization: TOKEN },
      ]) {
        const answer = await api.get(path, { origin, ...headers })
        expect(answer.status, `${path} ${JSON.stringify(headers)}`).toBe(401)
        expect(await answer.json()).toMatchObject({ error: { code: 'invalid_token' } })
        expect([...answer.headers.keys()].join()).not.toContain('access-control')
      }
    expect((await api.post('/v1/chat/completions', { messages: [] }, { origin })).status).toBe(401)
  })

  it('gets nothing by a GET without an Origin either, as Chromium sends it', async () => {
    for (const path of PATHS)
      for (const mode of ['cors', 'no-cors', 'same-origin', 'websocket'])
        expect(await status(api, path, { ...extensionGet, 'sec-fetch-mode': mode }), `${path} ${mode}`).toBe(
          401,
        )
  })

  it('gets nothing by a GET that looks like our own page’s, as Firefox sends it', async () => {
    for (const path of PATHS)
      for (const referer of [
        {},
        { referer: 'http://127.0.0.1.evil.example/' },
        { referer: 'http://127.0.0.1:81/' },
      ])
        for (const mode of ['cors', 'no-cors'])
          expect(
            await status(api, path, { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': mode, ...referer }),
            `${path} ${mode} ${JSON.stringify(referer)}`,
          ).toBe(401)
    expect(
      await status(api, '/health', {
        'sec-fetch-site': 'same-origin',
        'sec-fetch-mode': 'cors',
        ...bearer(TOKEN),
      }),
    ).toBe(200)
  })

  it('is served with it, and still without a CORS header', async () => {
    const health = await api.get('/health', { ...extensionGet, ...bearer(TOKEN) })
    expect(health.status).toBe(200)
    expect([...health.headers.keys()].join()).not.toContain('access-control')
    const chat = await api.post(
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: 'Hi' }], max_tokens: 1 },
      { ...extensionPost, ...bearer(TOKEN) },
    )
    expect(chat.status).toBe(200)
    expect(await status(api, '/nothing', { ...extensionGet, ...bearer(TOKEN) })).toBe(404)
  })

  it('that the owner listed is served as before, without a token', async () => {
    expect(await status(listed, '/health', extensionPost)).toBe(200)
    expect(await status(listed, '/health', extensionGet)).toBe(200)
    expect(
      await status(listed, '/health', { origin: 'chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba' }),
    ).toBe(401)
  })

  it('needs no key beside the token; the key alone does not do', async () => {
    expect(await status(keyed, '/v1/models', { ...extensionPost, ...bearer(TOKEN) })).toBe(200)
    expect(await status(keyed, '/v1/models', { ...extensionPost, ...bearer('the-key') })).toBe(401)
  })

  it('gets nothing where there is no token', async () => {
    const none = await inProcessApi()
    expect(await status(none, '/health', extensionPost)).toBe(401)
    expect(await status(none, '/health', { ...extensionPost, ...bearer('') })).toBe(401)
  })
})

describe('the token', () => {
  it('is no key for programs, and opens nothing to a page of a site', async () => {
    expect(await status(keyed, '/v1/models', bearer(TOKEN))).toBe(401)
    expect(await status(keyed, '/v1/models', bearer('the-key'))).toBe(200)
    expect(await status(api, '/health', { origin: 'https://evil.example', ...bearer(TOKEN) })).toBe(403)
    expect(await status(api, '/health', { origin: 'null', ...bearer(TOKEN) })).toBe(403)
    expect(await status(api, '/health', { ...extensionPost, ...bearer(TOKEN), host: 'evil.example' })).toBe(
      421,
    )
  })

  it('is asked of nobody else: programs, the own page, the address bar', async () => {
    expect(await status(api, '/health', {})).toBe(200)
    expect(await status(api, '/health', { 'sec-fetch-mode': 'cors' })).toBe(200)
    const page = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', referer: 'http://127.0.0.1/' }
    expect(await status(api, '/health', page)).toBe(200)
    expect((await api.get('/health')).headers.get('referrer-policy')).toBe('same-origin')
    expect(await status(api, '/health', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' })).toBe(200)
  })
})

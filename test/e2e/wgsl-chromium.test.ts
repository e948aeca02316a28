import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, watchedPage } from '../support/browser.ts'
import type { WgslReport, WgslTask } from '../support/webgpu-page-entry.ts'

const file = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const { sequences } = JSON.parse(readFileSync(file('../../models/embedded/validation.json'), 'utf8')) as {
  sequences: { tokens: number[] }[]
}

let browser: Browser
let server: Server

beforeAll(async () => {
  const bundle = await build({
    entryPoints: [file('../support/webgpu-page-entry.ts')],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'chrome120',
  })
  const files = new Map<string, { type: string; body: Uint8Array }>([
    [
      '/',
      {
        type: 'text/html',
        body: Buffer.from('<!doctype html><title>WGSL</title><link rel=icon href=data:,>'),
      },
    ],
    ['/worker.js', { type: 'text/javascript', body: bundle.outputFiles[0]!.contents }],
    [
      '/draft.gguf',
      { type: 'application/octet-stream', body: readFileSync(file('../../models/embedded/draft.gguf')) },
    ],
  ])
  server = createServer((request, response) => {
    const found = files.get(request.url ?? '')
    response.writeHead(found ? 200 : 404, { 'content-type': found?.type ?? 'text/plain' }).end(found?.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  browser = await launchChromium(['--enable-unsafe-webgpu'])
})
afterAll(async () => {
  await browser?.close()
  server?.close()
})

/** In a worker, as the extension runs it. */
async function run(task: WgslTask): Promise<{ report: WgslReport; complaints: string[] }> {
  const { page, complaints, close } = await watchedPage(browser)
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const answer = await page.evaluate(
    (given) =>
      new Promise<{ report?: WgslReport; error?: string }>((resolve) => {
        const worker = new Worker('/worker.js', { type: 'module' })
        worker.onmessage = ({ data }) => resolve(data)
        worker.onerror = ({ message }) => resolve({ error: message })
        worker.postMessage(given)
      }),
    task,
  )
  await close()
  expect(answer.error).toBeUndefined()
  return { report: answer.report!, complaints }
}

describe('the WGSL engine in Chromium', () => {
  it('runs the embedded draft as the reference engine beside it does', async () => {
    const { report, complaints } = await run({
      model: '/draft.gguf',
      tokens: sequences[1]!.tokens.slice(0, 40),
    })
    expect(report.adapter).not.toBe('')
    expect(report.runs.map(({ kernel }) => kernel)).toEqual(['wgsl-dot4-subgroups', 'wgsl-portable'])
    for (const run of report.runs) {
      expect(run.rmsShare, run.kernel).toBeLessThanOrEqual(0.02)
      expect(run.argmaxClear, run.kernel).toBeGreaterThan(0)
      expect(run.argmaxWrong, run.kernel).toBe(0)
      expect(Object.keys(run.verified)).toHaveLength(3)
      for (const [name, { emitted, walked }] of Object.entries(run.verified)) {
        expect(emitted, `${run.kernel}, ${name}`).toEqual(walked)
      }
      expect(run.logprobError, run.kernel).toBeLessThan(1e-9)
      expect(run.bits, run.kernel).toEqual({ oneByOne: true, rolledBack: true, copied: true })
      process.stdout.write(
        `${run.kernel} on ${report.adapter}: loaded in ${run.loadMs.toFixed(0)} ms, ${run.stepMs.toFixed(1)} ms a token\n`,
      )
    }
    expect(report.candidatesDiffer).toEqual([])
    expect(report.lost).toEqual(['ENGINE_LOST', 'ENGINE_LOST'])
    expect(complaints).toEqual([])
  })
})

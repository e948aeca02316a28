/**
 * npm run bench:scout [-- --json] [-- --idle SECONDS]: what a browser's Scout costs. Needs `npm run build`, `npm run zip`
 * and a Chromium. Idle figures are the whole browser's, with Scout Mode on and in an Oracle's pool, less the same
 * browser's with Scout Mode off; memory is what no file or other process shares.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { complete } from '../support/chat-api.ts'
import { EXTENSION, ExtensionBrowser } from '../support/extension.ts'
import { joinLinkOf, PACED } from '../support/paced-oracle.ts'
import { startOracle } from '../support/shard-process.ts'

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, idle: { type: 'string', default: '60' } },
})
const idleMs = Number(values.idle) * 1000
/** Linux counts processor time in these. */
const TICKS_PER_SECOND = 100

const home = await mkdtemp(join(tmpdir(), 'shard-bench-'))
const oracle = await startOracle(join(home, 'oracle'), ...PACED)
const link = await joinLinkOf(oracle)
const oracles = [{ addresses: link.oracles.filter((a) => a.includes('webrtc')), invite: link.invite }]
const profile = join(home, 'profile')
const browser = await ExtensionBrowser.launch(profile)
try {
  await browser.set({ introduced: true, onlyOnPower: false, oracles })
  const off = await idle()
  const answer = complete(oracle.url, { maxTokens: 400, seed: 1 })
  const start = performance.now()
  await browser.set({ scoutMode: true })
  const { scout } = await browser.until(({ scout }) => scout?.engine != null, 'model loaded')
  const loadedMs = performance.now() - start
  await browser.until(({ scout }) => scout?.phase === 'ready' || scout?.phase === 'drafting', 'in the pool')
  const joinedMs = performance.now() - start
  await browser.until(({ scout }) => (scout?.scout?.drafted ?? 0) > 0, 'first draft')
  const draftedMs = performance.now() - start
  const { accepted } = await answer
  const { tokensPerSecond } = (await browser.state()).scout!.scout!
  const on = await idle()
  const zip = join(
    fileURLToPath(new URL('../../build/extension/', import.meta.url)),
    'shard-scout-0.1.0-chrome.zip',
  )
  report({
    engine: scout!.engine!.kernel,
    package_bytes: folderBytes(EXTENSION),
    zip_bytes: statSync(zip, { throwIfNoEntry: false })?.size ?? null,
    toggle_to_loaded_ms: Math.round(loadedMs),
    toggle_to_pool_ms: Math.round(joinedMs),
    toggle_to_first_draft_ms: Math.round(draftedMs),
    tokens_per_s: Math.round(tokensPerSecond * 10) / 10,
    accepted,
    idle_s: idleMs / 1000,
    idle_cpu_ms_off: off.cpuMs,
    idle_cpu_ms_on: on.cpuMs,
    memory_mb_off: off.megabytes,
    memory_mb_on: on.megabytes,
  })
} finally {
  await browser.close()
  await oracle.stop()
  await rm(home, { recursive: true, force: true })
}

/** Processor time and memory of all of the browser's processes over a stretch in which nobody does anything. */
async function idle(): Promise<{ cpuMs: number; megabytes: number }> {
  // What has just been done ends first: garbage collection, caches, connections.
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const before = cpuTicks()
  await new Promise((resolve) => setTimeout(resolve, idleMs))
  return {
    cpuMs: ((cpuTicks() - before) * 1000) / TICKS_PER_SECOND,
    megabytes: Math.round(sum(privateBytes) / 1e6),
  }
}

function cpuTicks(): number {
  return sum((pid) => {
    // After the name, which may hold anything: fields 14 and 15 of the line are user and system time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  })
}

/** Resident and not shared, in bytes: the second and third field count pages. */
function privateBytes(pid: string): number {
  const [, resident, shared] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ').map(Number)
  return (resident! - shared!) * 4096
}

function sum(of: (pid: string) => number): number {
  let total = 0
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(profile)) total += of(pid)
    } catch {
      // It has just ended.
    }
  }
  return total
}

function folderBytes(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((bytes, entry) => bytes + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function report(figures: Record<string, number | string | null>): void {
  if (values.json) process.stdout.write(`${JSON.stringify(figures)}\n`)
  else
    for (const [name, value] of Object.entries(figures)) process.stdout.write(`${name.padEnd(28)}${value}\n`)
}

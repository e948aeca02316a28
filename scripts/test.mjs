// `npm test`: install, build, then every gate and suite; prints the counts and fails when one ran nothing.
// `npm test -- unit` (or contract, integration, e2e) runs one suite.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ensureBrowser, ensureFirefox } from './browser.mjs'
import { build } from './build.mjs'
import { ensureInstalled, pinnedNode, root } from './toolchain.mjs'

const SUITES = ['unit', 'contract', 'integration', 'e2e']
const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !SUITES.includes(name))
if (unknown.length > 0) {
  process.stderr.write(`shard: no suite named ${unknown.join(', ')}: ${SUITES.join(', ')}\n`)
  process.exit(2)
}

ensureInstalled('all')
const node = pinnedNode()
await build()
const browser = await ensureBrowser()
const isAsked = (name) => asked.length === 0 || asked.includes(name)
// Empty: there is none, and its tests are skipped.
const firefox = (isAsked('e2e') && ensureFirefox()) || ''

const out = join(root, 'test', '.out')
mkdirSync(out, { recursive: true })
/** @type {{ name: string, passed: number, failed: number, skipped: number }[]} */
const results = []

function gate(name, script, ...args) {
  process.stdout.write(`\n── ${name}\n`)
  const { status } = spawnSync(node, [join(root, 'node_modules', ...script.split('/')), ...args], {
    cwd: root,
    stdio: 'inherit',
  })
  results.push({ name, passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 })
}

function suite(name) {
  process.stdout.write(`\n── ${name}\n`)
  const report = join(out, `${name}.json`)
  rmSync(report, { force: true })
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const args = [
    vitest,
    'run',
    '--project',
    name,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
  const { status } = spawnSync(node, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, SHARD_TEST_BROWSER: browser, SHARD_TEST_FIREFOX: firefox },
  })
  let counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0 }
  try {
    counts = JSON.parse(readFileSync(report, 'utf8'))
  } catch (error) {
    process.stderr.write(`shard: suite ${name} left no report: ${error}\n`)
  }
  // A suite that ran nothing, or failed outside a test, has failed.
  const failed = counts.numFailedTests || (status === 0 && counts.numPassedTests > 0 ? 0 : 1)
  results.push({ name, passed: counts.numPassedTests, failed, skipped: counts.numPendingTests })
}

if (asked.length === 0) {
  gate('lint and format', '@biomejs/biome/bin/biome', 'check', '.')
  gate('types', 'typescript/bin/tsc', '--noEmit')
  gate('types of shared/ without Node and DOM', 'typescript/bin/tsc', '--noEmit', '-p', 'shared')
  gate('dead code', 'knip/bin/knip.js')
}
for (const name of SUITES) if (isAsked(name)) suite(name)

process.stdout.write('\n')
for (const { name, passed, failed, skipped } of results) {
  process.stdout.write(
    `${name.padEnd(40)}${passed} passed, ${failed} failed, ${skipped} skipped\n`.replace(', 0 skipped', ''),
  )
}
const sum = (key) => results.reduce((total, result) => total + result[key], 0)
process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped\n`)
process.exit(sum('failed') > 0 ? 1 : 0)

import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { NATIVE_HOST } from '../../../shared/bridge/messages.ts'
import { type AllowedExtensions, chromiumOrigin } from '../../bridge/allowed-extensions.ts'
import { version } from '../../packaged/version.ts'
import { type BrowserPlace, profilePlace } from '../browsers.ts'
import { MANIFEST_FILE, parseManifest } from '../manifest.ts'
import type { InstallRecord } from '../record.ts'
import type { Registry } from '../registry.ts'
import { type ProbeResult, probeBridge } from './bridge-probe.ts'
import { type Check, ok, warn, wrong } from './check.ts'

export interface BrowserCheckInput {
  readonly places: readonly BrowserPlace[]
  readonly record: InstallRecord
  readonly registry: Registry
  readonly allowed: AllowedExtensions
  /** Where this installation's launcher lies. */
  readonly launcher: string
}

/** From browser to bridge: every browser that is here, its manifest, and what that points to. */
export async function browserChecks(input: BrowserCheckInput): Promise<Check[]> {
  const { places, record, registry, allowed, launcher } = input
  const found = places.filter(({ profile }) => existsSync(profile))
  const manifests = await Promise.all(
    [...found, ...elsewhere(record, places)].map(async (place) => ({
      place,
      path: await manifestPath(place, registry),
    })),
  )
  const checks: Check[] = []
  if (manifests.length === 0)
    checks.push(warn('browser', 'no browser was found here', 'install one, then run `shard install`'))
  const installed = manifests.filter(({ path }) => path !== null && existsSync(path))
  const launchers = new Map<string, BrowserPlace['family']>()
  for (const { place, path } of manifests) {
    const flag = place.title.startsWith('the profile ')
      ? `--user-data-dir ${place.profile}`
      : `--browser ${place.browser}`
    const install = `shard install ${flag}`
    if (path === null || !existsSync(path)) {
      const text = `${place.title}: found, and it does not know of this host`
      checks.push((installed.length > 0 ? warn : wrong)('browser', text, install))
      continue
    }
    const check = checkManifest(place, path, allowed, launcher, install)
    checks.push(check.check)
    if (check.launcher !== null) launchers.set(check.launcher, place.family)
  }
  for (const [path, family] of launchers) {
    const caller =
      family === 'chromium' ? [chromiumOrigin(allowed.chromium[0]!)] : ['manifest.json', allowed.firefox[0]!]
    checks.push(bridgeCheck(path, await probeBridge(path, caller, version)))
  }
  return checks
}

/** Profiles that `install --user-data-dir` has written to. */
function elsewhere(record: InstallRecord, places: readonly BrowserPlace[]): BrowserPlace[] {
  const known = new Set(places.map(({ manifests }) => join(manifests, MANIFEST_FILE)))
  return record.files
    .filter(({ path }) => path.endsWith(MANIFEST_FILE) && !known.has(path))
    .map(({ path }) => profilePlace(join(path, '..', '..')))
}

async function manifestPath({ manifests }: BrowserPlace, registry: Registry): Promise<string | null> {
  return manifests.startsWith('HKCU\\')
    ? registry.get(`${manifests}\\${NATIVE_HOST}`)
    : join(manifests, MANIFEST_FILE)
}

function checkManifest(
  { title, family }: BrowserPlace,
  path: string,
  allowed: AllowedExtensions,
  launcher: string,
  install: string,
): { readonly check: Check; readonly launcher: string | null } {
  const bad = (text: string, todo = `${install} --force`) => ({
    check: wrong('browser', `${title}: ${text}`, todo),
    launcher: null,
  })
  const manifest = parseManifest(readText(path))
  if (manifest === null) return bad(`its manifest ${path} cannot be read or is not one`)
  if (manifest.name !== NATIVE_HOST || manifest.type !== 'stdio')
    return bad(`its manifest ${path} is another program's`)
  if (!isExecutable(manifest.path))
    return bad(`its manifest points to ${manifest.path}, which cannot be started`, install)
  const listed = family === 'chromium' ? manifest.allowed_origins : manifest.allowed_extensions
  const wanted = family === 'chromium' ? allowed.chromium.map(chromiumOrigin) : allowed.firefox
  const missing = wanted.filter((id) => !listed?.includes(id))
  if (missing.length > 0) return bad(`its manifest does not list ${missing.join(', ')}`, install)
  if (manifest.path !== launcher)
    return {
      check: warn(
        'browser',
        `${title}: its manifest points to another installation, ${manifest.path}`,
        `${install} --force makes it this one`,
      ),
      launcher: manifest.path,
    }
  return { check: ok('browser', `${title}: knows this host (${path})`), launcher: manifest.path }
}

function bridgeCheck(path: string, result: ProbeResult): Check {
  if ('failure' in result)
    return wrong(
      'bridge',
      `${path} does not answer: ${result.failure}`,
      'run `shard install` again, from where Shard lies now',
    )
  const { hello, ms } = result
  return ok('bridge', `answers hello in ${Math.round(ms)} ms, version ${hello.version} (${path})`)
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

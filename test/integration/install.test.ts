import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Check } from '../../native-host/install/doctor/check.ts'
import { install } from '../../native-host/install/install.ts'
import { readRecord, recordFile } from '../../native-host/install/record.ts'
import type { Registry } from '../../native-host/install/registry.ts'
import type { Step } from '../../native-host/install/step.ts'
import { uninstall } from '../../native-host/install/uninstall.ts'
import { CHROMIUM_EXTENSION_ID } from '../../shared/extension/identity.ts'
import { ShardProcess, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(async () => {
  await shard(['stop'])
  await home[Symbol.asyncDispose]()
})

/** A verb in a home of its own, with nothing set but HOME; the usual folders of Linux apply. */
async function shard(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const nothing = { SHARD_HOME: '', XDG_CONFIG_HOME: '', XDG_DATA_HOME: '', XDG_CACHE_HOME: '' }
  const verb = new ShardProcess(args, { ...nothing, HOME: home.path, ...env })
  verb.child.stdin!.end()
  await new Promise((resolve) => verb.child.once('close', resolve))
  return { code: verb.child.exitCode, out: verb.log }
}

async function doctor(env: NodeJS.ProcessEnv = {}) {
  const { code, out } = await shard(['doctor', '--json'], env)
  const { checks, ok } = JSON.parse(out) as { checks: readonly Check[]; ok: boolean }
  expect(code).toBe(ok ? 0 : 1)
  const of = (topic: string) => checks.filter((check) => check.topic === topic)
  return { ok, of, wrong: checks.filter(({ status }) => status === 'wrong') }
}

/** Every path below, with its kind, mode and content. */
function tree(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => {
      const stat = lstatSync(join(folder, name))
      const what = stat.isFile()
        ? readFileSync(join(folder, name), 'utf8')
        : stat.isDirectory()
          ? '/'
          : 'special'
      return `${name} ${(stat.mode & 0o777).toString(8)} ${what}`
    })
    .sort()
}

const manifestOf = (folder: string) => join(home.path, folder, 'dev.shard.host.json')
const CHROMIUM = '.config/chromium/NativeMessagingHosts'
const BRAVE = '.config/BraveSoftware/Brave-Browser/NativeMessagingHosts'
const FIREFOX = '.mozilla/native-messaging-hosts'
const LAUNCHER = '.local/share/shard/bridge/shard-bridge'
/** Free ports: nothing of this machine's is to be touched. */
const PORTS = '{"api.port":0,"mesh.tcp_port":0,"mesh.ws_port":0,"mesh.webrtc_port":0}'

describe('shard install', () => {
  it('writes for the browsers that are here, all of it, and uninstall leaves the home as it was', async () => {
    await mkdir(join(home.path, '.config/chromium'), { recursive: true })
    await mkdir(join(home.path, '.config/BraveSoftware/Brave-Browser/NativeMessagingHosts'), {
      recursive: true,
    })
    await mkdir(join(home.path, '.mozilla'))
    const before = tree(home.path)

    const dry = await shard(['install', '--dry-run'])
    expect(dry.code).toBe(0)
    expect(tree(home.path)).toEqual(before)
    const done = await shard(['install'])
    expect(done.code).toBe(0)
    expect(done.out).toMatch(/found here: Chromium, Brave, Firefox\n/)
    for (const path of [
      manifestOf(CHROMIUM),
      manifestOf(BRAVE),
      manifestOf(FIREFOX),
      join(home.path, LAUNCHER),
    ]) {
      expect(dry.out).toContain(`would write  ${path}`)
      for (const line of (await readFile(path, 'utf8')).trimEnd().split('\n')) expect(dry.out).toContain(line)
    }
    const chromium = JSON.parse(await readFile(manifestOf(CHROMIUM), 'utf8'))
    expect(chromium).toMatchObject({
      path: join(home.path, LAUNCHER),
      allowed_origins: [`chrome-extension://${CHROMIUM_EXTENSION_ID}/`],
    })
    expect(JSON.parse(await readFile(manifestOf(FIREFOX), 'utf8'))).toMatchObject({
      allowed_extensions: ['scout@shard.dev'],
    })

    const installed = tree(home.path)
    const again = await shard(['install', '--json'])
    const { steps } = JSON.parse(again.out) as { steps: readonly Step[] }
    expect(steps.map(({ did }) => did)).toEqual(['unchanged', 'unchanged', 'unchanged', 'unchanged'])
    expect(tree(home.path)).toEqual(installed)

    const wouldRemove = await shard(['uninstall', '--dry-run'])
    expect(tree(home.path)).toEqual(installed)
    const removed = await shard(['uninstall'])
    expect(removed.code).toBe(0)
    expect(removed.out.match(/removed .*/g)?.map((line) => line.replace('removed ', ''))).toEqual(
      wouldRemove.out.match(/would remove .*/g)?.map((line) => line.replace('would remove', '')),
    )
    expect(tree(home.path)).toEqual(before)
    expect((await shard(['uninstall'])).out).toContain('Nothing is installed')
  })

  it('writes for named browsers and for a profile elsewhere, one after the other; all goes at once', async () => {
    const before = tree(home.path)
    expect((await shard(['install', '--browser', 'vivaldi', '--browser', 'chrome'])).code).toBe(0)
    expect((await shard(['install', '--user-data-dir', join(home.path, 'a profile')])).code).toBe(0)
    const moved = { XDG_CONFIG_HOME: join(home.path, 'cfg') }
    await mkdir(join(home.path, 'cfg/microsoft-edge'), { recursive: true })
    await writeFile(join(home.path, 'cfg/microsoft-edge/theirs'), '')
    expect((await shard(['install'], moved)).out).toContain('Microsoft Edge')
    for (const folder of ['vivaldi', 'google-chrome'])
      expect(readdirSync(join(home.path, '.config', folder))).toEqual(['NativeMessagingHosts'])
    expect(readdirSync(join(home.path, 'a profile/NativeMessagingHosts'))).toEqual(['dev.shard.host.json'])
    expect(readdirSync(join(home.path, 'cfg/microsoft-edge')).sort()).toEqual([
      'NativeMessagingHosts',
      'theirs',
    ])
    expect(await readFile(join(home.path, LAUNCHER), 'utf8')).toContain(
      `export XDG_CONFIG_HOME='${moved.XDG_CONFIG_HOME}'`,
    )
    expect((await shard(['uninstall'])).code).toBe(0)
    await rm(join(home.path, 'cfg'), { recursive: true })
    expect(tree(home.path)).toEqual(before)
  })

  it('says what it does not know and what is missing', async () => {
    expect(await shard(['install', '--browser', 'opera'])).toMatchObject({
      code: 2,
      out: expect.stringMatching(/--browser opera: there is chrome, chromium/),
    })
    expect(await shard(['install'])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/no browser was found.*--browser/),
    })
    expect(tree(home.path)).toEqual([])
  })

  it('leaves what others wrote, unless it is told; writes nothing at all then', async () => {
    await mkdir(join(home.path, CHROMIUM), { recursive: true })
    await mkdir(join(home.path, '.mozilla'))
    for (const text of [
      'mine',
      JSON.stringify({ name: 'dev.shard.host', path: '/other/launcher', type: 'stdio' }),
    ]) {
      await writeFile(manifestOf(CHROMIUM), text)
      const before = tree(home.path)
      const refused = await shard(['install'])
      expect(refused).toMatchObject({
        code: 1,
        out: expect.stringMatching(/dev\.shard\.host\.json.*--force/),
      })
      expect(tree(home.path)).toEqual(before)
    }
    expect((await shard(['install', '--force'])).code).toBe(0)
    expect(await readFile(manifestOf(CHROMIUM), 'utf8')).toContain(LAUNCHER)
    // Changed by somebody since: no longer ours to remove.
    await writeFile(manifestOf(FIREFOX), 'mine now')
    const left = await shard(['uninstall'])
    expect(left.out).toMatch(/left +\S+\.mozilla\S+: it was changed/)
    expect(await readFile(manifestOf(FIREFOX), 'utf8')).toBe('mine now')
    expect(tree(join(home.path, '.config'))).toEqual([
      'chromium 755 /',
      'chromium/NativeMessagingHosts 755 /',
    ])
  })

  it('adds the ids that the setting names, when it is run again', async () => {
    const store = 'abcdefghijklmnopabcdefghijklmnop'
    await shard(['install', '--browser', 'chromium'])
    await mkdir(join(home.path, '.config/shard'), { recursive: true })
    await writeFile(
      join(home.path, '.config/shard/settings.json'),
      JSON.stringify({ 'bridge.extensions': [store] }),
    )
    const missing = await doctor()
    expect(missing.wrong).toMatchObject([{ topic: 'browser', text: expect.stringContaining(store) }])
    expect((await shard(['install', '--browser', 'chromium'])).code).toBe(0)
    expect(JSON.parse(await readFile(manifestOf(CHROMIUM), 'utf8')).allowed_origins).toContain(
      `chrome-extension://${store}/`,
    )
    expect((await doctor()).of('browser')).toMatchObject([{ status: 'ok' }])
  })

  it('keeps keys, models and settings; --purge takes them after a yes, and nothing else', async () => {
    const data = join(home.path, '.local/share/shard')
    await mkdir(join(home.path, '.config/shard'), { recursive: true })
    await writeFile(join(home.path, '.config/shard/settings.json'), PORTS)
    await shard(['install', '--browser', 'chromium'])
    const daemon = new ShardProcess(['serve'], { HOME: home.path, SHARD_HOME: '' })
    await daemon.waitForLog(/is ready/)
    await mkdir(join(data, 'models'))
    await writeFile(join(data, 'models', 'x.gguf'), '')
    await writeFile(join(data, 'not-ours'), '')
    const stopped = await shard(['uninstall'])
    expect(stopped.out).toContain(`the daemon, process ${daemon.child.pid}`)
    expect(readdirSync(data).sort()).toEqual(['mesh', 'models', 'not-ours'])
    expect(readdirSync(join(home.path, '.config/shard'))).toEqual(['settings.json'])
    expect(await shard(['uninstall', '--purge'])).toMatchObject({
      code: 2,
      out: expect.stringContaining('--yes'),
    })
    expect((await shard(['uninstall', '--purge', '--dry-run'])).code).toBe(0)
    expect(readdirSync(data).sort()).toEqual(['mesh', 'models', 'not-ours'])
    expect((await shard(['uninstall', '--purge', '--yes'])).code).toBe(0)
    expect(readdirSync(data)).toEqual(['not-ours'])
    expect(readdirSync(join(home.path, '.config'))).not.toContain('shard')
  })

  it('sets registry keys where there is a registry, and deletes its own', async () => {
    const values = new Map([['HKCU\\other', 'theirs']])
    const registry: Registry = {
      get: async (key) => values.get(key) ?? null,
      set: async (key, value) => void values.set(key, value),
      delete: async (key) => void values.delete(key),
    }
    const data = join(home.path, 'data')
    const path = join(data, 'bridge', 'launcher')
    const plan = {
      launcher: { path, text: 'x' },
      files: [{ path, text: 'x', executable: true }],
      registry: [
        { key: 'HKCU\\one', value: path },
        { key: 'HKCU\\other', value: path },
      ],
    }
    const options = { dataFolder: data, registry, dryRun: false, force: false }
    await expect(install(plan, options)).rejects.toMatchObject({ code: 'FOREIGN_FILE' })
    expect(readdirSync(home.path)).toEqual([])
    values.delete('HKCU\\other')
    const steps = await install(plan, options)
    expect(steps.filter(({ did }) => did === 'set')).toHaveLength(2)
    expect(readRecord(data).registry).toEqual(plan.registry)
    values.set('HKCU\\other', 'somebody else came')
    const gone = await uninstall({
      home: { config: data, data, cache: join(data, 'cache') },
      registry,
      places: [],
      launcher: path,
      dryRun: false,
      purge: false,
    })
    expect(gone.filter(({ did }) => did === 'delete')).toEqual([
      { did: 'delete', key: 'HKCU\\one', value: path },
    ])
    expect([...values]).toEqual([['HKCU\\other', 'somebody else came']])
    expect(readdirSync(home.path)).toEqual([])
  })
})

describe('shard doctor', () => {
  beforeEach(async () => {
    await mkdir(join(home.path, '.config/shard'), { recursive: true })
    await writeFile(join(home.path, '.config/shard/settings.json'), PORTS)
  })

  it('in an empty home: no browser, and all else is well', async () => {
    const { ok, of } = await doctor()
    expect(ok).toBe(true)
    expect(of('browser')).toMatchObject([{ status: 'warn', todo: expect.stringContaining('shard install') }])
    expect(of('model')).toMatchObject([{ status: 'ok', text: expect.stringContaining('tokenizer matches') }])
    for (const topic of ['settings', 'daemon', 'engine', 'gpu', 'disk', 'node'])
      expect(of(topic), topic).toHaveLength(1)
    expect(of('daemon')).toMatchObject([{ status: 'ok', text: expect.stringContaining('not running') }])
    expect(tree(home.path).filter((path) => !path.startsWith('.config'))).toEqual([])
  })

  it('goes the whole way when it is installed, and says so in aligned lines', async () => {
    await mkdir(join(home.path, '.config/chromium'))
    await mkdir(join(home.path, '.mozilla'))
    expect((await doctor()).wrong.map(({ todo }) => todo)).toEqual([
      'shard install --browser chromium',
      'shard install --browser firefox',
    ])
    await shard(['install', '--browser', 'chromium'])
    const { ok, of } = await doctor()
    expect(ok).toBe(true)
    expect(of('browser').map(({ status }) => status)).toEqual(['ok', 'warn'])
    expect(of('bridge')).toMatchObject([{ status: 'ok', text: expect.stringMatching(/hello in \d+ ms/) }])
    const { out } = await shard(['doctor'])
    expect(out).not.toContain('\x1b')
    expect(out).toContain('Nothing is wrong.')
    for (const line of out.trimEnd().split('\n').slice(0, -2))
      expect(line).toMatch(/^(\w+ +(ok|warn|wrong) +\S|\s+→ \S|\s+(ok|warn|wrong) +\S)/)
  })

  it.each<[string, () => Promise<unknown>, string, RegExp]>([
    ['no manifest but garbage', () => writeFile(manifestOf(CHROMIUM), '{'), 'browser', /cannot be read/],
    ['a launcher that is gone', () => rm(join(home.path, LAUNCHER)), 'browser', /cannot be started/],
    [
      'a launcher that may not run',
      () => chmod(join(home.path, LAUNCHER), 0o600),
      'browser',
      /cannot be started/,
    ],
    [
      'a launcher whose program is gone',
      () => writeFile(join(home.path, LAUNCHER), '#!/bin/sh\nexec /no/such/node "$@"\n'),
      'bridge',
      /exit code 127: .*\/no\/such\/node/s,
    ],
    [
      'a launcher that says something else',
      () => writeFile(join(home.path, LAUNCHER), '#!/bin/sh\necho hello there\n'),
      'bridge',
      /no message|bytes/,
    ],
    [
      'another extension in the manifest',
      async () => {
        const text = await readFile(manifestOf(CHROMIUM), 'utf8')
        await writeFile(
          manifestOf(CHROMIUM),
          text.replace(CHROMIUM_EXTENSION_ID, 'ponmlkjihgfedcbaponmlkjihgfedcba'),
        )
      },
      'browser',
      /does not list/,
    ],
    [
      'a record that is broken',
      () => writeFile(recordFile(join(home.path, '.local/share/shard')), '[]'),
      'browser',
      /installed\.json/,
    ],
    [
      'a model that is not there',
      () =>
        writeFile(
          join(home.path, '.config/shard/settings.json'),
          '{"engine.model":"/no/such.gguf","api.port":0}',
        ),
      'model',
      /no model at \/no\/such\.gguf/,
    ],
    [
      'a setting nobody knows',
      () => writeFile(join(home.path, '.config/shard/settings.json'), '{"api.prot":1}'),
      'settings',
      /api\.prot/,
    ],
  ])('finds %s, and says what to do', async (_, damage, topic, text) => {
    await shard(['install', '--browser', 'chromium'])
    await damage()
    const { wrong } = await doctor()
    const found = wrong.find((check) => check.topic === topic)
    expect(found?.text, JSON.stringify(wrong)).toMatch(text)
    expect(found?.todo).toBeTruthy()
  })

  it('finds a tokenizer of another model', async () => {
    const { modelFile } = await import('../../native-host/daemon/model-files.ts')
    const folder = join(home.path, 'm')
    await mkdir(folder)
    const target = modelFile('embedded', 'target')
    await writeFile(join(folder, 'x.gguf'), await readFile(target))
    for (const name of ['tokenizer.json', 'tokenizer_config.json']) {
      const text = await readFile(join(target, '..', name), 'utf8')
      await writeFile(join(folder, name), text)
    }
    const setting = { 'engine.model': join(folder, 'x.gguf'), 'api.port': 0 }
    await writeFile(join(home.path, '.config/shard/settings.json'), JSON.stringify(setting))
    expect((await doctor()).of('model')).toMatchObject([{ status: 'ok' }])
    const tokenizer = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8')) as {
      model: { vocab: Record<string, number> }
    }
    const [one, two] = Object.keys(tokenizer.model.vocab).slice(300, 302) as [string, string]
    const { vocab } = tokenizer.model
    ;[vocab[one], vocab[two]] = [vocab[two]!, vocab[one]!]
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
    expect((await doctor()).of('model')).toMatchObject([
      { status: 'wrong', text: expect.stringContaining("another model's") },
    ])
  })

  it('knows the daemon, its ports, and who else has them', async () => {
    const squatter = createServer((socket) => socket.destroy())
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as { port: number }
    const settings = { 'api.port': port, 'mesh.enabled': false }
    await writeFile(join(home.path, '.config/shard/settings.json'), JSON.stringify(settings))
    const taken = await doctor()
    expect(taken.of('ports')).toMatchObject([
      { status: 'wrong', text: expect.stringMatching(new RegExp(`${port}.*process ${process.pid}`)) },
    ])
    await new Promise((resolve) => squatter.close(resolve))
    expect((await doctor()).of('ports')).toMatchObject([
      { status: 'ok', text: expect.stringContaining('free') },
    ])
    const daemon = new ShardProcess(['serve'], { HOME: home.path, SHARD_HOME: '' })
    await daemon.waitForLog(/is ready/)
    const { ok, of } = await doctor()
    expect(ok).toBe(true)
    expect(of('daemon')).toMatchObject([
      { text: expect.stringMatching(new RegExp(`running, process ${daemon.child.pid}, .*slots`)) },
    ])
    expect(of('engine')).toMatchObject([{ status: 'ok', text: expect.stringContaining('ready') }])
    expect(of('ports')).toMatchObject([{ status: 'ok', text: expect.stringContaining("the daemon's") }])
    await daemon.stop()
  })
})

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { modelFile } from '../../native-host/daemon/model-files.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { SHARD, startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(() => home[Symbol.asyncDispose]())

function shard(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [SHARD, 'model', ...args], {
    env: { ...process.env, SHARD_HOME: home.path },
    encoding: 'utf8',
  })
  return { code: status, out: stdout, err: stderr }
}

/** A model with the embedded pair's tokenizer, somewhere. */
async function own(): Promise<string> {
  const target = modelFile('embedded', 'draft')
  const folder = join(home.path, 'own')
  await mkdir(folder)
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(dirname(target), name), join(folder, name))
  await copyFile(target, join(folder, 'Mine.gguf'))
  return join(folder, 'Mine.gguf')
}

describe('shard model list', () => {
  it('shows what is here, what is broken, and with --all what could be', async () => {
    const folder = join(home.path, 'models', 'broken')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'x.gguf'), randomGguf().subarray(0, 5000))
    const { code, out } = shard('list', '--all', '--json')
    expect(code).toBe(0)
    const models = JSON.parse(out) as { name: string; state: string; runs: boolean; note: string }[]
    const named = (name: string) => models.find((model) => model.name === name)
    expect(named('embedded')).toMatchObject({ state: 'installed', runs: true })
    expect(named('broken')).toMatchObject({
      state: 'installed',
      runs: false,
      note: expect.stringMatching(/fetch it again/),
    })
    expect(named('bitnet-b1.58-2b-4t')).toMatchObject({
      state: 'available',
      runs: true,
      note: expect.stringMatching(/model pull/),
    })
    expect(named('ternary-bonsai-8b')).toMatchObject({ state: 'available', runs: true })
    expect(named('qwen3-0.6b')).toMatchObject({ runs: false, note: expect.stringMatching(/WebLLM/) })
    expect(new Set(models.map(({ name }) => name)).size).toBe(models.length)
    const plain = shard('list').out
    expect(plain).toMatch(/^NAME +ARCHITECTURE/)
    expect(plain).toMatch(/^broken .*does not run/m)
    expect(plain).not.toMatch(/ternary-bonsai/)
  })
})

describe('shard model show', () => {
  it('a KV cache of int8 takes half of the memory of f16', () => {
    const memoryOf = (type: string) =>
      JSON.parse(shard('show', 'embedded', '--kv-cache', type, '--json').out).memory
    const [f16, q8] = [memoryOf('f16'), memoryOf('q8')]
    expect(f16).toMatchObject({ context: 1024, kv_cache: 'f16', kv_bytes: 1024 * 8 * 2 * 2 * 2 * 64 })
    // A byte for each number, and two for a head's scale.
    expect(q8).toMatchObject({ context: 1024, kv_cache: 'q8', kv_bytes: 1024 * 8 * 2 * 2 * (64 + 2) })
    expect(shard('show', 'embedded', '--kv-cache', 'q8', '--context', '512').out).toMatch(
      /1\.08 MB of KV cache \(q8\)/,
    )
  })

  it('weights take less where the settings pack them closer', async () => {
    const memoryOf = () => JSON.parse(shard('show', 'embedded', '--json').out).memory
    const usual = memoryOf()
    expect(usual.packing).toBe('2-bit')
    await writeFile(join(home.path, 'settings.json'), JSON.stringify({ 'engine.packing': '1.6-bit' }))
    const packed = memoryOf()
    expect(packed.packing).toBe('1.6-bit')
    expect(packed.weight_bytes).toBeLessThan(usual.weight_bytes)
    expect(shard('show', 'embedded').out).toMatch(/of weights \(1\.6-bit where they can be\), /)
  })

  it('an embedded model, with its memory at a context', () => {
    const { code, out } = shard('show', 'embedded', '--context', '512')
    expect(code).toBe(0)
    for (const line of [
      /^architecture +bitnet$/m,
      /^parameters +7\.4 M$/m,
      /^bits per weight +4\.10 \(F16, TQ2_0, F32\)$/m,
      /^memory +4\.79 MB at 512 tokens: 2\.69 MB of weights, 2\.10 MB of KV cache \(f16\)$/m,
      /^licence +Apache-2\.0$/m,
      /^tokenizer +e025b430[0-9a-f]{56}$/m,
      /^pairs with +embedded-draft \(draft; same tokenizer\)$/m,
    ])
      expect(out).toMatch(line)
  })

  it('one of the registry that is not here', () => {
    const { code, out } = shard('show', 'Ternary-Bonsai-8B')
    expect(code).toBe(0)
    expect(out).toMatch(/not here: shard model pull ternary-bonsai-8b/)
    expect(out).toMatch(/^runs +yes$/m)
    expect(out).toMatch(/licence +Apache-2\.0/)
    expect(out).toMatch(/ternary-bonsai-1\.7b \(draft; tokenizer to be confirmed; not here\)/)
    expect(shard('show', 'qwen3-0.6b').out).toMatch(/fetched by the browser/)
  })

  it('a file anywhere', async () => {
    const { code, out } = shard('show', await own(), '--json')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({
      architecture: 'bitnet',
      runs: true,
      pairs: [
        { name: 'embedded', tokenizer: 'same', as: 'target' },
        { name: 'embedded-draft', tokenizer: 'same' },
      ],
    })
  })

  it('refuses what it does not know', () => {
    expect(shard('show', 'nobody')).toMatchObject({ code: 2, err: expect.stringMatching(/nobody/) })
    expect(shard('show', 'embedded', '--kv-cache', 'q4')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--kv-cache.*f16, q8/),
    })
    expect(shard('show', 'embedded', '--context', 'all')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--context/),
    })
  })
})

describe('import, serve and rm', () => {
  it('a model goes in, is served by its name, and goes', async () => {
    const file = await own()
    const { code, out, err } = shard('import', file)
    expect(code, err).toBe(0)
    expect(out).toMatch(/shard serve --model mine/)
    expect(shard('list').out).toMatch(/^mine +bitnet/m)
    const oracle = await startOracle(home.path, '--model', 'mine')
    try {
      const { data } = (await (await fetch(`${oracle.url}/v1/models`)).json()) as { data: { id: string }[] }
      expect(data.length).toBeGreaterThan(0)
    } finally {
      await oracle.stop()
    }
    expect(shard('rm', 'mine')).toMatchObject({ code: 2, err: expect.stringMatching(/--yes/) })
    expect(shard('rm', 'mine', '--yes').out).toBe('mine is removed.\n')
    expect(existsSync(join(home.path, 'models', 'mine'))).toBe(false)
    expect(existsSync(file)).toBe(true)
    expect(shard('rm', 'mine', '--yes').code).toBe(2)
  })

  it('serve says how a model of the registry is fetched', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      [SHARD, 'logits', '--model', 'ternary-bonsai-8b', '--tokens', '1', '--out', '/dev/null'],
      {
        env: { ...process.env, SHARD_HOME: home.path },
        encoding: 'utf8',
      },
    )
    expect(status).toBe(1)
    expect(stderr).toMatch(/ternary-bonsai-8b is not here yet: `shard model pull ternary-bonsai-8b`/)
  })

  it('refuse what they should', async () => {
    const file = await own()
    expect(shard('rm', 'embedded', '--yes').err).toMatch(/part of Shard/)
    expect(shard('import', '--link', '--move', file)).toMatchObject({ code: 2 })
    expect(shard('import', join(dirname(file), 'tokenizer.json')).err).toMatch(/does not start with GGUF/)
  })
})

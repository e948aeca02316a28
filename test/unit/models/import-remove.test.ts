import { existsSync, lstatSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { modelFile } from '../../../native-host/daemon/model-files.ts'
import { importModel } from '../../../native-host/models/import-model.ts'
import { ModelsFolder } from '../../../native-host/models/models-folder.ts'
import { Registry } from '../../../native-host/models/registry.ts'
import { planRemoval, remove } from '../../../native-host/models/remove-model.ts'
import { randomGguf } from '../../support/random-gguf.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const registry = Registry.load()
const embedded = modelFile('embedded', 'target')
const GGUF = randomGguf()

let models: ModelsFolder
let notices: string[]
/** A folder with My Model.gguf and the embedded pair's tokenizer beside it. */
let outside: string
beforeEach(async () => {
  const home = await tempFolder()
  models = new ModelsFolder({ config: home, data: home, cache: home })
  notices = []
  outside = await tempFolder()
  await copyFile(embedded, join(outside, 'My Model.gguf'))
  for (const name of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(dirname(embedded), name), join(outside, name))
})
const importing = (how: 'copy' | 'link' | 'move', options = {}, file = join(outside, 'My Model.gguf')) =>
  importModel(file, models, { how, onNotice: (text) => notices.push(text), ...options })

describe('import', () => {
  it('copies the model and its tokenizer', async () => {
    const { name, path, tokenizer_hash } = await importing('copy')
    expect(name).toBe('my-model')
    expect(path).toBe(join(models.path, 'my-model', 'My Model.gguf'))
    expect(Buffer.compare(await readFile(path), await readFile(embedded))).toBe(0)
    expect(notices).toEqual(['took the tokenizer that lies beside it'])
    expect(tokenizer_hash).toBe(registry.find('embedded')!.tokenizer_hash)
    expect((await readdir(dirname(path))).sort()).toEqual([
      'My Model.gguf',
      'shard-model.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect(models.find('MY-MODEL')).toMatchObject({ path })
    expect((await readdir(models.path)).sort()).toEqual(['my-model'])
  })

  it('links, and removes only the link', async () => {
    const { path } = await importing('link')
    expect(lstatSync(path).isSymbolicLink()).toBe(true)
    await remove(planRemoval('my-model', models, registry))
    expect(await readdir(models.path)).toEqual([])
    expect(await readdir(outside)).toContain('My Model.gguf')
  })

  it('moves', async () => {
    const { path } = await importing('move', { name: 'moved' })
    expect(existsSync(join(outside, 'My Model.gguf'))).toBe(false)
    expect(Buffer.compare(await readFile(path), await readFile(embedded))).toBe(0)
  })

  it('says what is missing or wrong beside it', async () => {
    const alone = await tempFolder()
    await writeFile(join(alone, 'x.gguf'), GGUF)
    await importing('copy', {}, join(alone, 'x.gguf'))
    expect(notices).toEqual([
      expect.stringMatching(/tokenizer\.json and tokenizer_config\.json beside the model/),
    ])
    notices.length = 0
    await writeFile(join(outside, 'y.gguf'), GGUF)
    await importing('copy', {}, join(outside, 'y.gguf'))
    expect(notices[1]).toMatch(/another model's/)
  })

  it.each<[string, () => Promise<unknown>, string]>([
    ['what is no GGUF', () => importing('copy', {}, join(outside, 'tokenizer.json')), 'NOT_A_MODEL'],
    [
      'what was cut off',
      async () => {
        await writeFile(join(outside, 'z.gguf'), GGUF.subarray(0, GGUF.length - 5000))
        return importing('copy', {}, join(outside, 'z.gguf'))
      },
      'NOT_A_MODEL',
    ],
    ['what is not there', () => importing('copy', {}, '/no/such.gguf'), 'CANNOT_READ'],
    ['a name that is a path', () => importing('copy', { name: '../x' }), 'BAD_SOURCE'],
    [
      'what there is no room for',
      () => importing('copy', { statfs: async () => ({ bavail: 1, bsize: 4096 }) }),
      'NO_SPACE',
    ],
    [
      'a second one of the same name',
      async () => {
        await importing('copy')
        return importing('copy')
      },
      'ALREADY_THERE',
    ],
  ])('refuses %s', async (_, work, code) => {
    await expect(work()).rejects.toMatchObject({ code })
    const left = existsSync(models.path) ? await readdir(models.path) : []
    expect(left).toEqual(code === 'ALREADY_THERE' ? ['my-model'] : [])
  })
})

describe('rm', () => {
  it('takes the model with what came for it, and leaves what is somebody else’s', async () => {
    const { path } = await importing('copy')
    await writeFile(join(dirname(path), 'notes.txt'), 'mine')
    await remove(planRemoval('my-model', models, registry))
    expect(await readdir(join(models.path, 'my-model'))).toEqual(['notes.txt'])
    expect(models.installed()).toEqual([])
  })

  it('takes a single file, and not the tokenizer that others share', async () => {
    await mkdir(models.path, { recursive: true })
    for (const name of ['a.gguf', 'b.gguf', 'tokenizer.json']) await writeFile(join(models.path, name), GGUF)
    await remove(planRemoval('a', models, registry))
    expect((await readdir(models.path)).sort()).toEqual(['b.gguf', 'tokenizer.json'])
  })

  it('refuses the embedded pair and what is not there', () => {
    expect(() => planRemoval('embedded', models, registry)).toThrow(
      expect.objectContaining({ code: 'EMBEDDED' }),
    )
    expect(() => planRemoval('embedded-draft', models, registry)).toThrow(
      expect.objectContaining({ code: 'EMBEDDED' }),
    )
    expect(() => planRemoval('x', models, registry)).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_MODEL' }),
    )
  })
})

it('a link to nowhere is no model', async () => {
  await mkdir(models.path, { recursive: true })
  await symlink('/no/such.gguf', join(models.path, 'gone.gguf'))
  expect(models.installed()).toEqual([])
})

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { modelFile } from '../../../native-host/daemon/model-files.ts'
import { ModelCatalog, type ModelKeeping } from '../../../native-host/models/model-catalog.ts'
import { ModelsFolder } from '../../../native-host/models/models-folder.ts'
import { installModel } from '../../support/installed-model.ts'
import { randomGguf } from '../../support/random-gguf.ts'
import { tempFolder } from '../../support/temp-folder.ts'

const EMBEDDED = 'shard-tales-target-6.3m'

const KEEPING: ModelKeeping = { kvCache: 'f16', packing: 'auto', machineBytes: 2 ** 34 }

async function catalog(own?: string, keeping: Partial<ModelKeeping> = {}) {
  const data = await tempFolder()
  const folder = new ModelsFolder({ data, config: data, cache: data })
  const path = own ?? modelFile('embedded', 'target')
  return { data, models: new ModelCatalog(folder, path, { ...KEEPING, ...keeping }) }
}
const ids = async (models: ModelCatalog) => (await models.all()).map(({ id }) => id)

describe('the catalog of models', () => {
  it('begins with the Oracle’s own, and knows what comes and goes', async () => {
    const { data, models } = await catalog()
    expect(await ids(models)).toEqual([EMBEDDED])
    await installModel(data, 'alpha', { seed: 2 })
    expect(await ids(models)).toEqual([EMBEDDED, 'alpha'])
    expect(await models.find('Alpha')).toMatchObject({ id: 'alpha', hindrance: null })
    expect(await models.find('random-bitnet-tq2_0-2')).toMatchObject({ id: 'alpha' })
    expect((await models.own()).id).toBe(EMBEDDED)
    // Another file under the same name is looked at anew.
    await installModel(data, 'alpha', { seed: 2, layers: 3 })
    const { facts, needBytes } = (await models.find('alpha'))!
    expect(facts!.layers).toBe(3)
    expect(needBytes).toBeGreaterThan(facts!.residentBytes['2-bit'])
  })

  it('has another own one beside the embedded', async () => {
    const data = await tempFolder()
    const path = join(data, 'mine.gguf')
    await writeFile(path, randomGguf({ seed: 5 }))
    const { models } = await catalog(path)
    expect(await ids(models)).toEqual(['random-bitnet-tq2_0-5', EMBEDDED])
    expect(await models.own()).toMatchObject({ path, hindrance: expect.stringContaining('tokenizer.json') })
    // By its path nobody finds it.
    expect(await models.find(path)).toBeUndefined()
    expect(await models.find('mine')).toMatchObject({ path })
  })

  it('reckons with the packing that the engine is told', async () => {
    const { models } = await catalog()
    const [inTwoBits] = await models.all()
    const { residentBytes, twoBitBytes } = inTwoBits!.facts!
    expect(inTwoBits!.packing).toBe('2-bit')
    for (const keeping of [{ machineBytes: twoBitBytes }, { packing: '1.6-bit' }] as const) {
      const [packed] = await (await catalog(undefined, keeping)).models.all()
      expect(packed!.packing).toBe('1.6-bit')
      expect(packed!.needBytes).toBe(inTwoBits!.needBytes - residentBytes['2-bit'] + residentBytes['1.6-bit'])
      expect(packed!.needBytes).toBeLessThan(inTwoBits!.needBytes)
    }
  })

  it('gives no two models one id, and a title never takes an installed model’s name', async () => {
    const { data, models } = await catalog()
    await installModel(data, EMBEDDED, { seed: 7 })
    expect(await ids(models)).toEqual(['embedded', EMBEDDED])
    expect((await models.find(EMBEDDED))!.path).toContain(data)
    const two = join(data, 'models', 'two')
    await mkdir(two)
    for (const name of ['a', 'b']) await writeFile(join(two, `${name}.gguf`), randomGguf({ seed: 8 }))
    expect(await ids(models)).toEqual(['embedded', EMBEDDED, 'two', 'b'])
  })

  it('says why one cannot be loaded', async () => {
    const { data, models } = await catalog()
    await installModel(data, 'cut', { seed: 9 }, (bytes) => bytes.subarray(0, 100))
    await installModel(data, 'other', { seed: 9 }, () => new TextEncoder().encode('<!doctype html>'))
    for (const name of ['cut', 'other']) expect((await models.find(name))!.hindrance).toMatch(/\w/)
  })
})

import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { loadEngine } from '../../native-host/engine/load-engine.ts'
import { loadNativeAddon } from '../../native-host/engine/native-addon.ts'
import { builtAddon } from '../support/native-addon.ts'
import { randomGguf } from '../support/random-gguf.ts'
import { tempFolder } from '../support/temp-folder.ts'

const addon = builtAddon()
const notBuilt = () => loadNativeAddon(() => null)
const doesNotLoad = () => loadNativeAddon(() => import.meta.filename)

async function modelFile(bytes: Uint8Array = randomGguf({ layers: 1 })): Promise<string> {
  const path = join(await tempFolder(), 'model.gguf')
  await writeFile(path, bytes)
  return path
}

describe('loadEngine', () => {
  it('takes the native engine, and says which kernel', async () => {
    const { engine, why } = await loadEngine({ model: await modelFile(), kind: 'auto' }, () => addon)
    expect(engine.info.kind).toBe('native')
    expect(why).toContain(`kernel ${engine.info.kernel}`)
    await engine.unload()
  })

  it.each([
    ['not built', notBuilt],
    ['does not load', doesNotLoad],
  ])('falls back to the reference engine and says why: %s', async (_name, loadAddon) => {
    const { engine, why } = await loadEngine({ model: await modelFile(), kind: 'auto' }, loadAddon)
    expect(engine.info.kind).toBe('reference')
    expect(why).toMatch(/reference engine runs because the native engine/)
    await engine.unload()
  })

  it('never falls back when the native engine was asked for', async () => {
    const options = { model: await modelFile(), kind: 'native' } as const
    await expect(loadEngine(options, notBuilt)).rejects.toMatchObject({ code: 'NATIVE_UNAVAILABLE' })
  })

  it('never falls back because of the model', async () => {
    const model = await modelFile(randomGguf({ layers: 1 }).slice(0, 5_000))
    await expect(loadEngine({ model, kind: 'auto' }, () => addon)).rejects.toMatchObject({
      code: 'GGUF_TRUNCATED',
    })
  })

  it('runs the kernel, threads and limits that were asked for', async () => {
    const options = { kernel: 'portable', threads: 1, maxSequences: 3, maxRows: 17 }
    const { engine } = await loadEngine({ model: await modelFile(), kind: 'native', ...options }, () => addon)
    expect(engine.info).toMatchObject(options)
    await engine.unload()
  })

  it.each(['native', 'reference'] as const)('says which file is missing, %s', async (kind) => {
    await expect(loadEngine({ model: '/nonexistent/a.gguf', kind }, () => addon)).rejects.toMatchObject({
      code: 'MODEL_NOT_FOUND',
      message: expect.stringContaining('/nonexistent/a.gguf'),
    })
  })
})

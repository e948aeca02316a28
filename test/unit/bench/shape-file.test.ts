import { spawnSync } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseGguf } from '../../../shared/engine/gguf.ts'
import { matrixBytes } from '../../bench/engine/matrix-chunks.ts'
import { shapeFile } from '../../bench/engine/shape-file.ts'
import { shapeTensors } from '../../bench/engine/shape-tensors.ts'
import { SHAPE_NAMES, SHAPES, type ShapeName } from '../../bench/engine/shapes.ts'
import { tempFolder } from '../../support/temp-folder.ts'

/** In billions, as their makers count them. */
const PUBLISHED: Readonly<Record<Exclude<ShapeName, 'tiny'>, number>> = {
  ...{ '2b': 2.41, '1.7b': 1.72, '8b': 8.19, 'llama-8b': 8.03, '70b': 70.55 },
}

describe('shapes', () => {
  it.each(Object.entries(PUBLISHED))('%s has %s billion parameters', (name, billions) => {
    const parameters = shapeTensors(SHAPES[name as ShapeName]).reduce(
      (sum, tensor) => sum + (tensor.kind === 'gain' ? tensor.size : tensor.rows * tensor.columns),
      0,
    )
    expect(parameters / 1e9).toBeCloseTo(billions, 2)
  })

  it('are all counted above', () => {
    expect(SHAPE_NAMES.filter((name) => name !== 'tiny').sort()).toEqual(Object.keys(PUBLISHED).sort())
  })
})

describe('shapeFile', () => {
  it('writes the same bytes for the same seed, others for another', async () => {
    const bytesOf = async (seed: number) =>
      readFile(await shapeFile({ shape: 'tiny', seed }, await tempFolder()))
    const first = await bytesOf(1)
    expect((await bytesOf(1)).equals(first)).toBe(true)
    const other = await bytesOf(2)
    expect(other).toHaveLength(first.length)
    expect(other.equals(first)).toBe(false)
  })

  it('writes whole files that are not written again', async () => {
    const folder = await tempFolder()
    const path = await shapeFile({ shape: 'tiny' }, folder)
    expect(await readdir(folder)).toEqual([basename(path)])
    const before = await stat(path)
    const seen: number[] = []
    expect(await shapeFile({ shape: 'tiny' }, folder, (_, done) => seen.push(done))).toBe(path)
    expect((await stat(path)).ino).toBe(before.ino)
    expect(seen).toEqual([])
  })

  it('removes what a dead process left of it, and leaves a living one its own', async () => {
    const folder = await tempFolder()
    const { pid: dead } = spawnSync(process.execPath, ['--version'])
    const path = await shapeFile({ shape: 'tiny' }, await tempFolder())
    const partOf = (pid: number) => `${basename(path)}.${pid}.part`
    await writeFile(join(folder, partOf(dead)), '')
    await writeFile(join(folder, partOf(process.ppid)), '')
    await shapeFile({ shape: 'tiny' }, folder)
    expect((await readdir(folder)).sort()).toEqual([basename(path), partOf(process.ppid)].sort())
  })

  it('tells other types and architectures by name', async () => {
    const folder = await tempFolder()
    const own = await shapeFile({ shape: 'tiny' }, folder)
    const other = await shapeFile(
      { shape: 'tiny', type: 'TQ2_0', head: 'Q6_K', architecture: 'bitnet' },
      folder,
    )
    expect(other).not.toBe(own)
    const { metadata, tensors } = parseGguf(await readFile(other))
    expect(metadata.get('general.architecture')).toBe('bitnet')
    expect(tensors.get('token_embd.weight')?.type.name).toBe('Q6_K')
    expect(tensors.get('blk.1.ffn_down.weight')?.type.name).toBe('TQ2_0')
  })

  it('gives an embedding that is ternary as well the type of the matrices', async () => {
    const path = await shapeFile({ shape: 'tiny', head: 'TQ2_0', type: 'TQ2_0' }, await tempFolder())
    const { tensors } = parseGguf(await readFile(path))
    expect(tensors.get('token_embd.weight')?.type.name).toBe('TQ2_0')
  })

  it('says which rows cannot be made', async () => {
    // Codes of four blocks at once.
    expect(() => matrixBytes('Q2_0', 64 * 4, 64)).toThrow(/rows of 64/)
  })
})

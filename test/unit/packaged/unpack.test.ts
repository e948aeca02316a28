import { createHash } from 'node:crypto'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Packed, unpack } from '../../../native-host/packaged/unpack.ts'
import { tempFolder } from '../../support/temp-folder.ts'

function packed(path: string, text: string): Packed & { taken: number } {
  const bytes = Buffer.from(text)
  const file = {
    path,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    taken: 0,
    bytes: () => {
      file.taken++
      return bytes
    },
  }
  return file
}

describe('unpack', () => {
  it('writes once, and again only what is broken', async () => {
    const cache = join(await tempFolder(), 'unpacked')
    const files = [packed('a', 'one'), packed('b/c', 'two')]
    const folder = unpack(cache, files)
    expect(readFileSync(join(folder, 'b', 'c'), 'utf8')).toBe('two')
    expect(unpack(cache, files)).toBe(folder)
    expect(files.map(({ taken }) => taken)).toEqual([1, 1])
    writeFileSync(join(folder, 'a'), 'own')
    expect(unpack(cache, files)).toBe(folder)
    expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('one')
    expect(files.map(({ taken }) => taken)).toEqual([2, 1])
    expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
  })

  it('gives other content another folder', async () => {
    const cache = await tempFolder()
    expect(unpack(cache, [packed('a', 'one')])).not.toBe(unpack(cache, [packed('a', 'two')]))
  })

  it('replaces a link that lies in a file’s place, whatever is behind it', async () => {
    const folder = await tempFolder()
    const cache = join(folder, 'cache')
    const file = packed('a', 'one')
    const path = join(unpack(cache, [file]), 'a')
    const target = join(folder, 'target')
    writeFileSync(target, 'one')
    rmSync(path)
    symlinkSync(target, path)
    unpack(cache, [file])
    expect(lstatSync(path).isFile()).toBe(true)
    expect(file.taken).toBe(2)
  })

  it('shuts others out of a folder that was open', async () => {
    const cache = join(await tempFolder(), 'cache')
    mkdirSync(cache)
    chmodSync(cache, 0o777)
    unpack(cache, [packed('a', 'one')])
    expect(statSync(cache).mode & 0o777).toBe(0o700)
  })

  it('refuses a cache that is a link or a file, and says where', async () => {
    const folder = await tempFolder()
    const link = join(folder, 'link')
    symlinkSync(await tempFolder(), link)
    const file = join(folder, 'file')
    writeFileSync(file, '')
    for (const cache of [link, file])
      expect(() => unpack(cache, [packed('a', 'one')])).toThrow(
        expect.objectContaining({ code: 'CANNOT_UNPACK', message: expect.stringContaining(cache) }),
      )
  })
})

// node test/fuzz/write-seeds.ts FOLDER: the seed corpus for libFuzzer.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { seeds } from './seeds.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('which folder?')
mkdirSync(folder, { recursive: true })
for (const [name, bytes] of seeds()) writeFileSync(join(folder, `${name}.gguf`), bytes)

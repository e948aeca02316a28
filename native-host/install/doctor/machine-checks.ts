import { readdirSync, statfsSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { isSea } from 'node:sea'
import { parseGguf } from '../../../shared/engine/gguf.ts'
import { readModelConfig } from '../../../shared/engine/model-config.ts'
import { hashGgufTokenizer } from '../../../shared/engine/tokenizer-hash.ts'
import { modelFile, tokenizerBeside } from '../../daemon/model-files.ts'
import type { Settings } from '../../settings/schema.ts'
import { type Check, ok, warn, wrong } from './check.ts'

/** A larger file is not read for this; `shard serve` compares it when it loads it. */
const MOST_READ = 512 * 1024 * 1024
/** Logs, keys and an unpacked executable; models want more, and say so when they are fetched. */
const LEAST_FREE_BYTES = 512 * 1024 * 1024
const LEAST_NODE = 22

export async function modelCheck(settings: Settings): Promise<Check> {
  const setting = settings['engine.model']
  const choose = 'name another with the setting engine.model; `shard model list` shows those that are here'
  try {
    const path = modelFile(setting, 'target')
    const { size } = await stat(path)
    const tokenizer = await tokenizerBeside(path)
    if (size > MOST_READ)
      return ok('model', `${path}, ${Math.round(size / 1e6)} MB, with a tokenizer beside it`)
    const gguf = parseGguf(await readFile(path))
    const { name } = readModelConfig(gguf)
    if ((await hashGgufTokenizer(gguf)) !== tokenizer.hash)
      return wrong(
        'model',
        `the tokenizer beside ${path} is another model's`,
        'put the tokenizer.json that came with the model beside it',
      )
    return ok('model', `${name}, ${(size / 1e6).toFixed(1)} MB, its tokenizer matches`)
  } catch (error) {
    return wrong('model', (error as Error).message, choose)
  }
}

/** What the Oracle can see of graphics cards, and that it uses none. */
export function gpuCheck(): Check {
  const seen = [
    ...list('/dev/dri').filter((name) => name.startsWith('renderD')),
    ...list('/dev').filter((name) => /^nvidia\d+$/.test(name)),
  ]
  const cards = seen.length > 0 ? `this system shows ${seen.join(', ')}` : 'this system shows none'
  return ok('gpu', `the Oracle's engine uses the CPU, so a Scout may have the card; ${cards}`)
}

export function diskCheck(folder: string): Check {
  // It may be one that is yet to be made.
  for (let place = folder; ; place = dirname(place)) {
    try {
      const { bavail, bsize } = statfsSync(place)
      const free = bavail * bsize
      const text = `${(free / 1e9).toFixed(1)} GB free in ${folder}`
      return free < LEAST_FREE_BYTES
        ? warn('disk', text, 'make room: logs and models are kept there; SHARD_HOME names another place')
        : ok('disk', text)
    } catch (error) {
      if (dirname(place) === place)
        return warn('disk', `cannot tell what is free: ${(error as Error).message}`, 'look yourself')
    }
  }
}

export function nodeCheck(): Check {
  const { node } = process.versions
  if (Number.parseInt(node, 10) < LEAST_NODE)
    return wrong('node', `version ${node}`, `Shard needs ${LEAST_NODE} or newer: npm install brings its own`)
  return ok('node', `version ${node}${isSea() ? ', inside this executable' : ` (${process.execPath})`}`)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

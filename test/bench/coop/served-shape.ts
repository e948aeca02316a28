import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { vocabulary } from '../../support/vocabulary.ts'
import { SHAPES, type ShapeName } from '../engine/shapes.ts'

const BYTE_LEVEL = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }

/** A made-up model in a folder of its own, with the tokenizer files that an Oracle wants beside it. Returns its path. */
export async function servedShape(file: string, shape: ShapeName, folder: string): Promise<string> {
  const pieces = vocabulary(SHAPES[shape].vocabulary)
  const end = pieces.length - 1
  const marker = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  await mkdir(folder, { recursive: true })
  await writeFile(
    join(folder, 'tokenizer.json'),
    JSON.stringify({
      added_tokens: [{ id: end, content: pieces[end], ...marker }],
      normalizer: null,
      pre_tokenizer: BYTE_LEVEL,
      post_processor: null,
      decoder: BYTE_LEVEL,
      model: {
        type: 'BPE',
        vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
        merges: ['a a'],
      },
    }),
  )
  await writeFile(join(folder, 'tokenizer_config.json'), JSON.stringify({ eos_token: pieces[end] }))
  const path = join(folder, 'target.gguf')
  await symlink(file, path)
  return path
}

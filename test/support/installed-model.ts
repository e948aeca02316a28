import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RandomModel, randomGguf } from './random-gguf.ts'
import { vocabulary } from './vocabulary.ts'

const VOCABULARY = 320

/** What random models of this size are made for: every byte is a token, and nothing is merged. */
function tokenizerFiles(size: number): Record<string, object> {
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const vocab = Object.fromEntries(vocabulary(size).map((piece, id) => [piece, id]))
  const end = { id: size - 1, content: '<|end|>', special: true, normalized: false }
  return {
    'tokenizer.json': {
      added_tokens: [{ ...end, single_word: false, lstrip: false, rstrip: false }],
      normalizer: null,
      pre_tokenizer: level,
      post_processor: null,
      decoder: level,
      model: { type: 'BPE', vocab, merges: [], unk_token: null },
    },
    'tokenizer_config.json': {
      eos_token: '<|end|>',
      chat_template: "{% for message in messages %}{{ message['content'] }}{% endfor %}",
    },
  }
}

/**
 * Puts a random model into the models folder, with its tokenizer, as `shard model import` would. Models of one
 * vocabulary have one tokenizer.
 *
 * @param change what becomes of the file's bytes
 * @returns the file
 */
export async function installModel(
  home: string,
  name: string,
  model: RandomModel = {},
  change = (bytes: Uint8Array): Uint8Array => bytes,
): Promise<string> {
  const folder = join(home, 'models', name)
  await mkdir(folder, { recursive: true })
  const { vocabSize = VOCABULARY } = model
  for (const [file, json] of Object.entries(tokenizerFiles(vocabSize)))
    await writeFile(join(folder, file), JSON.stringify(json))
  const path = join(folder, 'model.gguf')
  await writeFile(path, change(randomGguf({ contextLength: 512, ...model, vocabSize })))
  return path
}

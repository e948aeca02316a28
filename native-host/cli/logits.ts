import { writeFile } from 'node:fs/promises'
import { modelFile } from '../daemon/model-files.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { loadEngine } from '../engine/load-engine.ts'

export interface LogitsOptions {
  readonly model: string
  readonly tokens: string
  readonly out: string
  readonly engine: string
  readonly kernel?: string
}

/** `shard logits`: teacher-forced logits of a model, float32 little-endian, one row of the vocabulary's size a token. */
export async function logits(options: LogitsOptions): Promise<void> {
  const tokens = parseTokens(options.tokens)
  const { kernel, engine: kind } = options
  if (kind !== 'auto' && kind !== 'native' && kind !== 'reference')
    throw new ShardError('USAGE', `--engine must be auto, native or reference, not ${kind}`)
  const { engine, why } = await loadEngine({
    model: modelFile(options.model, 'target'),
    kind,
    ...(kernel !== undefined && { kernel }),
  })
  const { vocabSize, contextLength } = engine.info.model
  const outside = tokens.find((id) => id >= vocabSize)
  if (outside !== undefined)
    throw new ShardError('USAGE', `--tokens has ${outside}; this model's ids end at ${vocabSize - 1}`)
  if (tokens.length > contextLength)
    throw new ShardError('USAGE', `--tokens has ${tokens.length}, the context holds ${contextLength}`)
  const sequence = await engine.createSequence()
  const out = Buffer.alloc(tokens.length * vocabSize * 4)
  for (let at = 0; at < tokens.length; at += engine.info.maxRows) {
    const chunk = tokens.slice(at, at + engine.info.maxRows)
    const [rows] = await engine.forward([{ sequence, tokens: chunk, logits: 'all' }])
    for (let i = 0; i < rows!.length; i++) out.writeFloatLE(rows![i]!, (at * vocabSize + i) * 4)
  }
  await engine.unload()
  try {
    await writeFile(options.out, out)
  } catch (cause) {
    throw new ShardError('CANNOT_WRITE', `cannot write ${options.out}: ${(cause as Error).message}`, {
      cause,
    })
  }
  process.stderr.write(`${tokens.length} rows of ${vocabSize} float32 to ${options.out} (${why})\n`)
}

function parseTokens(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim())
  if (!parts.every((part) => /^\d{1,7}$/.test(part)))
    throw new ShardError(
      'USAGE',
      `--tokens must be ids separated by commas, such as 1,2,3; not ${JSON.stringify(text.slice(0, 80))}`,
    )
  return parts.map(Number)
}

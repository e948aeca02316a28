import type { Llama, Token } from 'node-llama-cpp'
import { expect } from 'vitest'
import type { Engine } from '../../shared/engine/engine.ts'

/** Logits after every token of every text but its last, [rows][vocabulary]. */
export type LogitRows = Float32Array[]
type Texts = readonly (readonly number[])[]

/** What llama.cpp says, teacher-forced. */
export async function llamaLogits(
  llama: Llama,
  path: string,
  texts: Texts,
  vocabulary: number,
): Promise<LogitRows> {
  const model = await llama.loadModel({ modelPath: path })
  const context = await model.createContext({ contextSize: 512, threads: 1 })
  const sequence = context.getSequence()
  const rows: LogitRows = []
  for (const tokens of texts) {
    await sequence.clearHistory()
    const neutral = { temperature: 1, topK: 0, topP: 1, minP: 0 }
    const evaluated = await sequence.controlledEvaluate(
      tokens.slice(0, -1).map((id) => [id as Token, { generateNext: { logits: true, options: neutral } }]),
    )
    for (const output of evaluated) {
      const logits = output?.next.logits
      expect(logits?.size, 'llama.cpp gave logits for the whole vocabulary').toBe(vocabulary)
      const row = new Float32Array(vocabulary)
      for (const [id, logit] of logits!) row[id] = logit
      rows.push(row)
    }
  }
  await model.dispose()
  return rows
}

/** What an engine says, which is unloaded afterwards. */
export async function engineLogits(engine: Engine, texts: Texts): Promise<LogitRows> {
  const { vocabSize } = engine.info.model
  const rows: LogitRows = []
  for (const tokens of texts) {
    const sequence = await engine.createSequence()
    const [logits] = await engine.forward([{ sequence, tokens: tokens.slice(0, -1), logits: 'all' }])
    for (let at = 0; at < logits!.length; at += vocabSize) rows.push(logits!.subarray(at, at + vocabSize))
    await engine.releaseSequence(sequence)
  }
  await engine.unload()
  return rows
}

/** @returns rms of the differences, of the deviation of `theirs`; rows whose argmax is clear of it, and in how many it is ours */
export function compareLogits(ours: LogitRows, theirs: LogitRows, tolerance: number) {
  let squares = 0
  let sum = 0
  let sumOfSquares = 0
  let count = 0
  for (const [i, row] of theirs.entries()) {
    for (const [id, value] of row.entries()) {
      squares += (value - ours[i]![id]!) ** 2
      sum += value
      sumOfSquares += value ** 2
    }
    count += row.length
  }
  const deviation = Math.sqrt(sumOfSquares / count - (sum / count) ** 2)
  let clear = 0
  let sameArgmax = 0
  for (const [i, row] of theirs.entries()) {
    const first = row.indexOf(Math.max(...row))
    const second = Math.max(...row.subarray(0, first), ...row.subarray(first + 1))
    if (row[first]! - second <= 4 * tolerance * deviation) continue
    clear++
    if (ours[i]!.indexOf(Math.max(...ours[i]!)) === first) sameArgmax++
  }
  return { rms: Math.sqrt(squares / count) / deviation, clear, sameArgmax }
}

import { floorMs, type Measurement } from './measurement.ts'

const rounded = (value: number, digits: number) => Number(value.toFixed(digits))

/** A line for every cell, one for the rest of every engine, and one for the machine. Times are in milliseconds. */
export function jsonLines({ shape, threads, contenders, memory }: Measurement): string[] {
  const lines: object[] = []
  for (const { contender, facts } of contenders) {
    const { name: engine, head, type, passes, prompt } = contender
    const { kernel, context } = facts
    const who = { shape, engine, head, threads }
    for (const [k, samples] of passes) {
      const { least, median, count: runs } = samples
      lines.push({
        ...who,
        k,
        ms: rounded(least, 3),
        median_ms: rounded(median, 3),
        runs,
        type,
        kernel,
        context,
      })
    }
    lines.push({
      ...who,
      prompt_tokens_per_s: rounded(prompt.most, 2),
      prompt_tokens_per_s_median: rounded(prompt.median, 2),
      load_ms: facts.loadMs && rounded(facts.loadMs, 0),
      file_bytes: facts.fileBytes,
      pss_bytes: facts.memory?.now.pssBytes ?? null,
      rss_bytes: facts.memory?.now.rssBytes ?? null,
      pss_bytes_before: facts.memory?.before.pssBytes ?? null,
    })
  }
  if (memory !== null) {
    lines.push({
      ...{ shape, threads },
      read_bytes_per_s: rounded(memory.together.most, 0),
      read_bytes_per_s_median: rounded(memory.together.median, 0),
      read_bytes_per_s_one_thread: rounded(memory.alone.most, 0),
      pass_bytes: memory.passBytes,
      floor_ms: rounded(floorMs(memory), 3),
    })
  }
  return lines.map((line) => JSON.stringify(line))
}

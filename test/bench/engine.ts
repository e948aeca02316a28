/** npm run bench:engine -- --shape 2b --threads 2 --k 1,8,16: passes of our engine and of others; docs/benchmarks.md. */
import { basename } from 'node:path'
import { loadNativeAddon } from '../../native-host/engine/native-addon.ts'
import { runMain } from './engine/arguments.ts'
import { BatchedBench } from './engine/batched-bench.ts'
import { BenchProgress } from './engine/bench-progress.ts'
import type { Contender } from './engine/contender.ts'
import { jsonLines } from './engine/json-report.ts'
import type { Measurement } from './engine/measurement.ts'
import { passBytes } from './engine/pass-bytes.ts'
import { type BenchPlan, LLAMA_CPP, OWN, parsePlan } from './engine/plan.ts'
import { ProcessContender } from './engine/process-contender.ts'
import { Samples } from './engine/samples.ts'
import { type ShapeFileOptions, shapeOf } from './engine/shape-file.ts'
import { shapeFileWithProgress } from './engine/shape-progress.ts'
import { tableText } from './engine/table-report.ts'

await runMain(async () => {
  const plan = parsePlan(process.argv.slice(2))
  const progress = new BenchProgress(
    plan.threads.length * plan.runs * plan.engines.length * (plan.rows.length + 1),
  )
  for (const threads of plan.threads) {
    const contenders: Contender[] = []
    try {
      for (const name of plan.engines) contenders.push(await start(name, plan, threads))
      const measurement = await measure(plan, threads, contenders, progress)
      progress.end()
      const text = plan.json ? jsonLines(measurement).join('\n') : `${tableText(measurement, OWN)}\n`
      process.stdout.write(`${text}\n`)
    } finally {
      await Promise.all(contenders.map((contender) => contender.end()))
    }
  }
})

async function start(name: string, plan: BenchPlan, threads: number): Promise<Contender> {
  const { rows, context, kernel } = plan
  const file = async (options: ShapeFileOptions) => {
    const model = await shapeFileWithProgress(options, plan.folder)
    const { type, head, embedding, vocabulary } = shapeOf(options)
    return { model, type, head: head ?? embedding, vocabulary }
  }
  const load = { rows, context, maxRows: Math.max(...rows), threads }
  if (name === OWN) {
    const model = await file(plan.own)
    return ProcessContender.start({
      ...{ name, entry: 'shard-entry.ts', ...load, ...model },
      ...(kernel !== undefined && { kernel }),
    })
  }
  const shared = await file(plan.llamaCpp)
  if (name === LLAMA_CPP) {
    return ProcessContender.start({
      ...{ name, entry: 'llama-cpp-entry.ts', ...load, ...shared },
      ...(kernel === 'avx2' && { kernel }),
    })
  }
  const { model, ...peer } = plan.peers.find((peer) => peer.name === name)!
  const own = model === null ? shared : { model, type: basename(model, '.gguf'), head: 'its own' }
  return new BatchedBench({ ...peer, ...own, threads, rows, context })
}

async function measure(
  plan: BenchPlan,
  threads: number,
  contenders: readonly Contender[],
  progress: BenchProgress,
): Promise<Measurement> {
  const addon = loadNativeAddon()
  const [together, alone] = [new Samples(), new Samples()]
  for (let run = 1; run <= plan.runs; run++) {
    together.add(await addon.readBandwidth(threads))
    alone.add(await addon.readBandwidth(1))
    for (const contender of contenders) {
      const what = (of: string) => `run ${run} of ${plan.runs}, ${threads} threads: ${contender.name}, ${of}`
      progress.step(what('prompt'))
      await contender.round((rows) => progress.step(what(`K=${rows}`)))
    }
  }
  const described = contenders.map(async (contender) => ({ contender, facts: await contender.describe() }))
  return {
    ...{ shape: plan.shape, threads, contenders: await Promise.all(described) },
    memory: { together, alone, passBytes: passBytes(shapeOf(plan.own), plan.context) },
  }
}

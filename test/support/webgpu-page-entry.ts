/// <reference lib="webworker" />
import type { EmittedToken, Engine, SampleRequest } from '../../shared/engine/engine.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { loadWgslEngine } from '../../shared/engine/wgsl/load-wgsl-engine.ts'
import { keyFromSeed } from '../../shared/verify/noise.ts'
import { GREEDY, type SamplingSettings } from '../../shared/verify/settings.ts'
import { walk } from '../../shared/verify/walk.ts'

/** Runs in a worker of a page in a real browser (test/e2e/wgsl-chromium.test.ts): says what it found, judges nothing. */
export interface WgslReport {
  readonly adapter: string
  readonly runs: readonly VariantReport[]
  /** Codes of the calls after the device was lost. */
  readonly lost: readonly string[]
  /** Settings under which an engine that gets candidates alone wrote another text than one that gets whole rows. */
  readonly candidatesDiffer: readonly string[]
}

export interface VariantReport {
  readonly kernel: string
  readonly loadMs: number
  readonly stepMs: number
  /** Against the reference engine, teacher-forced: of the logits' deviation; and rows whose clear argmax is another. */
  readonly rmsShare: number
  readonly argmaxWrong: number
  readonly argmaxClear: number
  /** What `verify` emits, and what `walk` says over the logits of `forward`. */
  readonly verified: Readonly<Record<string, { readonly emitted: number[]; readonly walked: number[] }>>
  readonly logprobError: number
  /** Bits of the last row: in one pass, token by token, after a rollback, on a copied prefix. */
  readonly bits: Readonly<Record<string, boolean>>
}

export interface WgslTask {
  readonly model: string
  readonly tokens: readonly number[]
}

const RMS_SHARE = 0.02
const PROMPT = 16
const STEPS = 12

const SETTINGS: Readonly<Record<string, SamplingSettings>> = {
  greedy: GREEDY,
  sampled: { ...GREEDY, temperature: 0.8, topK: 40, topP: 0.95 },
  'with penalties': { ...GREEDY, temperature: 1, repetitionPenalty: 1.2, presencePenalty: 0.3 },
}

const sampleOf = (settings: SamplingSettings): SampleRequest => ({
  settings,
  key: keyFromSeed(5n),
  promptLength: PROMPT,
  stopTokens: [],
  maxTokens: 1_000,
  topLogprobs: 2,
})

self.addEventListener('message', ({ data }: MessageEvent<WgslTask>) => {
  report(data).then(
    (done) => self.postMessage({ report: done }),
    (error: unknown) => self.postMessage({ error: error instanceof Error ? error.stack : String(error) }),
  )
})

async function report({ model, tokens }: WgslTask): Promise<WgslReport> {
  const bytes = new Uint8Array(await (await fetch(model)).arrayBuffer())
  const device = await requestDevice(navigator.gpu)
  const reference = await loadReferenceEngine(bytes)
  const expected = await allLogits(reference, tokens)
  const runs: VariantReport[] = []
  for (const variant of [
    { dot4: true, subgroups: true },
    { dot4: false, subgroups: false },
  ]) {
    const began = performance.now()
    const engine = await loadWgslEngine(bytes, { device, ...variant })
    runs.push(await variantReport(engine, performance.now() - began, tokens, expected))
    await engine.unload()
  }
  const candidatesDiffer = await compareCandidates(bytes, device, tokens)
  return { adapter: device.report.adapter, runs, candidatesDiffer, lost: await lose(bytes) }
}

async function allLogits(engine: Engine, tokens: readonly number[]): Promise<Float32Array> {
  const sequence = await engine.createSequence()
  const [logits] = await engine.forward([{ sequence, tokens, logits: 'all' }])
  await engine.releaseSequence(sequence)
  return logits!
}

async function variantReport(
  engine: Engine,
  loadMs: number,
  tokens: readonly number[],
  expected: Float32Array,
): Promise<VariantReport> {
  const actual = await allLogits(engine, tokens)
  const { vocabSize } = engine.info.model
  const mean = expected.reduce((a, b) => a + b) / expected.length
  const spread = Math.sqrt(expected.reduce((sum, v) => sum + (v - mean) ** 2, 0) / expected.length)
  const rms = Math.sqrt(actual.reduce((sum, v, i) => sum + (v - expected[i]!) ** 2, 0) / actual.length)
  let [argmaxWrong, argmaxClear] = [0, 0]
  for (let at = 0; at < expected.length; at += vocabSize) {
    const row = expected.subarray(at, at + vocabSize)
    const [second, first] = [...row].sort((a, b) => a - b).slice(-2) as [number, number]
    if (first - second <= 4 * RMS_SHARE * spread) continue
    argmaxClear++
    const mine = actual.subarray(at, at + vocabSize)
    if (mine.indexOf(mine.reduce((a, b) => Math.max(a, b))) !== row.indexOf(first)) argmaxWrong++
  }
  const verified: Record<string, { emitted: number[]; walked: number[] }> = {}
  let logprobError = 0
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const walked = await walkAlone(engine, tokens.slice(0, PROMPT), sampleOf(settings))
    const emitted = await verifyDrafts(engine, tokens.slice(0, PROMPT), walked, sampleOf(settings))
    verified[name] = { emitted: emitted.map(({ id }) => id), walked: walked.map(({ id }) => id) }
    for (const [i, { logprob }] of emitted.entries()) {
      logprobError = Math.max(logprobError, Math.abs(logprob - walked[i]!.logprob))
    }
  }
  const { bits, stepMs } = await compareBits(engine, tokens, actual.subarray(-vocabSize))
  return {
    kernel: engine.info.kernel,
    loadMs,
    stepMs,
    rmsShare: rms / spread,
    argmaxWrong,
    argmaxClear,
    verified,
    logprobError,
    bits,
  }
}

/** STEPS tokens, each by `walk` over what `forward` returns. */
async function walkAlone(engine: Engine, prompt: readonly number[], sample: SampleRequest) {
  const sequence = await engine.createSequence()
  const tokens = [...prompt]
  const out: EmittedToken[] = []
  let feed: readonly number[] = prompt
  while (out.length < STEPS) {
    const [logits] = await engine.forward([{ sequence, tokens: feed, logits: 'last' }])
    const [token] = walk(() => logits!, tokens, [], sample)
    out.push(token!)
    tokens.push(token!.id)
    feed = [token!.id]
  }
  await engine.releaseSequence(sequence)
  return out
}

/** The same tokens in a few passes with drafts, of which every fourth is wrong. */
async function verifyDrafts(
  engine: Engine,
  prompt: readonly number[],
  right: readonly EmittedToken[],
  sample: SampleRequest,
) {
  const sequence = await engine.createSequence()
  const out: EmittedToken[] = []
  let tokens = prompt
  while (out.length < STEPS) {
    const drafts = right
      .slice(out.length, out.length + 5)
      .map(({ id }, i) => ((out.length + i) % 4 === 3 ? (id + 1) % engine.info.model.vocabSize : id))
    const [result] = await engine.verify([{ sequence, tokens, drafts, sample }])
    out.push(...result!.emitted)
    tokens = [out.at(-1)!.id]
  }
  await engine.releaseSequence(sequence)
  return out.slice(0, STEPS)
}

async function compareBits(engine: Engine, tokens: readonly number[], whole: Float32Array) {
  const same = (row: Float32Array) => {
    const words = new Uint32Array(row.slice().buffer)
    return new Uint32Array(whole.slice().buffer).every((word, i) => word === words[i])
  }
  const last = tokens.slice(-1)
  const sequence = await engine.createSequence()
  let row: Float32Array = new Float32Array(0)
  const began = performance.now()
  for (const token of tokens) {
    row = (await engine.forward([{ sequence, tokens: [token], logits: 'last' }]))[0]!
  }
  const stepMs = (performance.now() - began) / tokens.length
  const oneByOne = same(row)
  await engine.truncate(sequence, 7)
  await engine.forward([{ sequence, tokens: last.concat(last, last), logits: 'none' }])
  await engine.truncate(sequence, 7)
  row = (await engine.forward([{ sequence, tokens: tokens.slice(7), logits: 'last' }]))[0]!
  const rolledBack = same(row)
  const copy = await engine.createSequence()
  await engine.copyPrefix(sequence, copy, tokens.length - 1)
  row = (await engine.forward([{ sequence: copy, tokens: last, logits: 'last' }]))[0]!
  return { bits: { oneByOne, rolledBack, copied: same(row) }, stepMs }
}

async function compareCandidates(
  bytes: Uint8Array,
  device: Awaited<ReturnType<typeof requestDevice>>,
  tokens: readonly number[],
): Promise<string[]> {
  const whole = await loadWgslEngine(bytes, { device })
  const few = await loadWgslEngine(bytes, { device, candidates: 64 })
  const differ: string[] = []
  for (const [name, settings] of Object.entries(SETTINGS)) {
    const right = await walkAlone(whole, tokens.slice(0, PROMPT), sampleOf(settings))
    const emitted = await verifyDrafts(few, tokens.slice(0, PROMPT), right, sampleOf(settings))
    if (emitted.some(({ id }, i) => id !== right[i]!.id)) differ.push(name)
  }
  await whole.unload()
  await few.unload()
  return differ
}

async function lose(bytes: Uint8Array): Promise<string[]> {
  const device = await requestDevice(navigator.gpu)
  const engine = await loadWgslEngine(bytes, { device })
  const sequence = await engine.createSequence()
  device.device.destroy()
  await device.device.lost
  const code = (error: unknown) => (error instanceof EngineError ? error.code : String(error))
  return Promise.all([
    engine.forward([{ sequence, tokens: [1], logits: 'last' }]).then(() => 'no error', code),
    engine.createSequence().then(() => 'no error', code),
  ])
}

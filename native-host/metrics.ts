import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** Why an assignment was taken from a worker and may go to another. */
export type RerouteReason = 'closed' | 'fault' | 'stalled'

/** Everything this process counts, under the prefix `shard_`; `registry` is what `/metrics` prints. */
export interface Metrics {
  readonly registry: Registry
  readonly passes: Counter
  readonly passRows: Counter<'kind'>
  readonly passSeconds: Histogram
  readonly promptTokens: Counter<'cached'>
  readonly generatedTokens: Counter
  readonly requests: Counter<'outcome'>
  readonly drafts: Counter<'outcome'>
  readonly draftNodes: Gauge
  readonly rerouting: Counter<'reason'>
  readonly engineLosses: Counter
  readonly running: Gauge
  readonly queued: Gauge
  readonly workers: Gauge<'origin'>
  readonly waits: Counter<'outcome'>
  readonly modelLoads: Counter<'outcome'>
  readonly modelLoadSeconds: Histogram
  readonly modelUnloads: Counter<'reason'>
  readonly models: Gauge<'state'>
}

/** From the fastest pass of a tiny model to the slowest of a large one on few cores, in seconds. */
const PASS_BUCKETS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5]

/** From an embedded model to a large one on a slow disk, in seconds. */
const LOAD_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/** @param processMetrics add CPU, memory and event-loop figures of this process (off in tests: it keeps a timer) */
export function createMetrics({ processMetrics = false } = {}): Metrics {
  const registry = new Registry()
  const registers = [registry]
  if (processMetrics) collectDefaultMetrics({ register: registry, prefix: 'shard_' })
  return {
    registry,
    passes: new Counter({ name: 'shard_passes_total', help: 'Engine passes', registers }),
    passRows: new Counter({
      name: 'shard_pass_rows_total',
      help: 'Rows of engine passes by kind: prompt, base (last verified token), draft',
      labelNames: ['kind'],
      registers,
    }),
    passSeconds: new Histogram({
      name: 'shard_pass_seconds',
      help: 'Duration of an engine pass, pace included',
      buckets: PASS_BUCKETS,
      registers,
    }),
    promptTokens: new Counter({
      name: 'shard_prompt_tokens_total',
      help: 'Prompt tokens of started requests, by whether a kept KV cache had them',
      labelNames: ['cached'],
      registers,
    }),
    generatedTokens: new Counter({
      name: 'shard_generated_tokens_total',
      help: 'Tokens emitted to requests',
      registers,
    }),
    requests: new Counter({
      name: 'shard_requests_total',
      help: 'Ended requests by outcome: stop, length, or an error code in lower case',
      labelNames: ['outcome'],
      registers,
    }),
    drafts: new Counter({
      name: 'shard_draft_tokens_total',
      help: 'Drafted tokens by outcome: accepted, rejected, late, untested',
      labelNames: ['outcome'],
      registers,
    }),
    draftNodes: new Gauge({
      name: 'shard_draft_nodes',
      help: 'Drafted tokens that are held and not yet verified, all requests together',
      registers,
    }),
    rerouting: new Counter({
      name: 'shard_rerouting_total',
      help: 'Assignments taken from a worker that closed, broke the protocol or stalled',
      labelNames: ['reason'],
      registers,
    }),
    engineLosses: new Counter({
      name: 'shard_engine_losses_total',
      help: 'Times the engine was lost under running requests',
      registers,
    }),
    running: new Gauge({ name: 'shard_requests_running', help: 'Requests in a slot', registers }),
    queued: new Gauge({ name: 'shard_requests_queued', help: 'Requests waiting for a slot', registers }),
    workers: new Gauge({
      name: 'shard_workers',
      help: 'Draft workers of the loaded models',
      labelNames: ['origin'],
      registers,
    }),
    waits: new Counter({
      name: 'shard_waits_total',
      help: 'Passes put off for a draft: taken, and of those paid (the draft came in time)',
      labelNames: ['outcome'],
      registers,
    }),
    modelLoads: new Counter({
      name: 'shard_model_loads_total',
      help: 'Loads of models by outcome: loaded, failed',
      labelNames: ['outcome'],
      registers,
    }),
    modelLoadSeconds: new Histogram({
      name: 'shard_model_load_seconds',
      help: 'Time from making room for a model to its first token being possible',
      buckets: LOAD_BUCKETS,
      registers,
    }),
    modelUnloads: new Counter({
      name: 'shard_model_unloads_total',
      help: 'Unloaded models by reason: room (for another), idle (keep_alive over), failed, shutdown',
      labelNames: ['reason'],
      registers,
    }),
    models: new Gauge({
      name: 'shard_models',
      help: 'Resident models by state: loading, ready',
      labelNames: ['state'],
      registers,
    }),
  }
}

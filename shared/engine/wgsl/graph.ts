import type { ModelConfig } from '../model-config.ts'
import { bufferRows, type GpuMatrix } from './gpu-matrix.ts'
import type { GpuMemory } from './gpu-memory.ts'
import {
  type AttentionForm,
  attentionKernel,
  CHUNK_POSITIONS,
  type HeadShape,
  joinKernel,
  storeGroups,
  storeKernel,
} from './kernels/attention.wgsl.ts'
import { type CandidateStage, candidatesKernel, SLICE_IDS } from './kernels/candidates.wgsl.ts'
import { DENSE_ROWS, denseKernel } from './kernels/dense.wgsl.ts'
import { embedKernel } from './kernels/embed.wgsl.ts'
import { lanesFor, type Variant } from './kernels/lanes.wgsl.ts'
import { type NormShape, normKernel } from './kernels/norm.wgsl.ts'
import { rowLanes, TERNARY_ROWS, ternaryKernel } from './kernels/ternary.wgsl.ts'
import type { KvPool } from './kv-pool.ts'
import type { GpuModel, Products } from './model.ts'
import type { BindingKind, Pipeline, Pipelines } from './pipelines.ts'
import { pad64, type Scratch, TILES, tileFor } from './scratch.ts'

/** One dispatch, ready but for the number of rows. */
interface Step {
  /** By tile; under 1 alone for kernels that take row by row. */
  readonly pipelines: ReadonlyMap<number, GPUComputePipeline>
  bindings: GPUBindGroup
  /** Workgroups across a row. */
  readonly across: number
  /** Rows are the grid's x (norms and their like), or its y (tiles, attention). */
  readonly rowsIn: 'x' | 'y'
  /** Runs only when attention is in this form; absent: always. */
  readonly form?: AttentionForm
  /** The grid's z are the chunks of positions. */
  readonly chunked?: boolean
}

/** What decides how much there is to do. */
interface Extent {
  readonly rows: number
  /** Chunks of positions that the longest row has. */
  readonly chunks: number
}

/**
 * BitNet b1.58 as reference/graph.ts defines it, as a list of dispatches made once: per layer norm, q k v, store, attention,
 * norm, output, norm, gate up, gated norm, down. Attention over several chunks of positions is two, where there are few rows.
 */
export class GpuGraph {
  readonly #config: ModelConfig
  readonly #model: GpuModel
  readonly #memory: GpuMemory
  readonly #pipelines: Pipelines
  readonly #variant: Variant
  readonly #scratch: Scratch
  readonly #pool: KvPool
  readonly #heads: HeadShape
  /** By submission. */
  #body: Step[][] = []
  #cached: { step: Step; rebind: () => GPUBindGroup }[] = []
  #head: { norm: Step; product: Step[]; select: Step[] }[] = []

  private constructor(parts: GraphParts) {
    this.#config = parts.config
    this.#model = parts.model
    this.#memory = parts.memory
    this.#pipelines = parts.pipelines
    this.#variant = parts.variant
    this.#scratch = parts.scratch
    this.#pool = parts.pool
    const { heads, kvHeads, headDim } = parts.config
    this.#heads = { heads, kvHeads, headDim }
  }

  /** Compiles all shaders. @param candidates of a row that can be selected, 0 for none. @throws {EngineError} WEBGPU_UNAVAILABLE */
  static async build(parts: GraphParts, maxRows: number, candidates: number): Promise<GpuGraph> {
    const graph = new GpuGraph(parts)
    await graph.#build(maxRows, candidates)
    return graph
  }

  /** After the pool has grown: its buffers are others. */
  rebind(): void {
    for (const { step, rebind } of this.#cached) step.bindings = rebind()
  }

  /** Submissions that a pass is made of, without its head: the GPU works on one while the next is encoded. */
  get submissions(): number {
    return this.#body.length
  }

  /** One submission of what leads to the residual stream of `rows` rows, whose data lie in the scratch; `positions`: the longest's. */
  encodeBody(pass: GPUComputePassEncoder, submission: number, rows: number, positions: number): void {
    const chunks = Math.ceil(positions / CHUNK_POSITIONS)
    const extent = { rows, chunks }
    const form: AttentionForm = chunks > 1 && rows <= this.#scratch.splitRows ? 'split' : 'whole'
    for (const step of this.#body[submission]!) {
      if (step.form === undefined || step.form === form) dispatch(pass, step, extent)
    }
  }

  /** Logits of the picked rows `chunk · chunkRows …`, `rows` of them, and their candidates when asked for. */
  encodeHead(pass: GPUComputePassEncoder, chunk: number, rows: number, select: boolean): void {
    const head = this.#head[chunk]!
    const extent = { rows, chunks: 1 }
    dispatch(pass, head.norm, extent)
    for (const step of head.product) dispatch(pass, step, extent)
    if (select) for (const step of head.select) dispatch(pass, step, extent)
  }

  async #build(maxRows: number, candidates: number): Promise<void> {
    const { widths, x, qkv, attended, gateUp } = this.#scratch
    const { embedding, feedForward, heads, headDim } = this.#config
    const plain = { source: 'plain' } as const
    const layers = this.#model.layers.map((layer, i) =>
      Promise.all([
        this.#norm(plain, x, layer.attnNorm, embedding, widths.x, layer.attnQkv),
        this.#multiply(layer.attnQkv, qkv, widths.qkv, false),
        this.#store(i),
        this.#attend(i),
        this.#norm(plain, attended, layer.attnSubNorm, heads * headDim, widths.attended, layer.attnOutput),
        this.#multiply(layer.attnOutput, x, widths.x, true),
        this.#norm(plain, x, layer.ffnNorm, embedding, widths.x, layer.ffnGateUp),
        this.#multiply(layer.ffnGateUp, gateUp, widths.gateUp, false),
        this.#norm({ source: 'gated' }, gateUp, layer.ffnSubNorm, feedForward, widths.gateUp, layer.ffnDown),
        this.#multiply(layer.ffnDown, x, widths.x, true),
      ]),
    )
    const parts = await Promise.all([this.#embed(), ...layers])
    this.#body = inSubmissions(parts.map((part) => part.flat()))
    const chunks = Math.ceil(maxRows / this.#scratch.chunkRows)
    this.#head = await Promise.all(
      Array.from({ length: chunks }, (_, chunk) => this.#chunk(chunk, candidates)),
    )
  }

  async #chunk(chunk: number, candidates: number) {
    const { widths, x, logits, chunkRows } = this.#scratch
    const { embedding, vocabSize } = this.#config
    const first = chunk * chunkRows
    const head = [this.#model.head]
    const [norm] = await this.#norm(
      { source: 'picked', first },
      x,
      this.#model.outputNorm,
      embedding,
      widths.x,
      head,
    )
    const product = await this.#multiply(head, logits, vocabSize, false)
    const select = candidates === 0 ? [] : await this.#select(first, Math.min(candidates, vocabSize))
    return { norm: norm!, product, select }
  }

  /** The candidates of a chunk's rows, which begin with pick `first`: of slices of a row, and of the row where it has several. */
  async #select(first: number, count: number): Promise<Step[]> {
    const { logits, slices, candidates: found } = this.#scratch
    const { vocabSize } = this.#config
    const across = Math.ceil(vocabSize / SLICE_IDS)
    const step = async (stage: CandidateStage, from: number, input: GPUBuffer, into: GPUBuffer) => {
      const code = candidatesKernel(this.#variant, stage)
      const pipeline = await this.#pipelines.get(`candidates, ${stage}`, ['uniform', 'read', 'write'], code)
      const uniform = this.#memory.uniform('candidates', [vocabSize, count, from, across])
      const group = this.#bind(pipeline, [uniform, input, into])
      return this.#step(pipeline, group, stage === 'slice' ? across : 1, 'x')
    }
    if (across === 1) return [await step('slice', first, logits, found)]
    return [await step('slice', 0, logits, slices), await step('join', first, slices, found)]
  }

  async #embed(): Promise<Step[]> {
    const { form, columns, parts } = this.#model.embedding
    const { widths, x, passData } = this.#scratch
    const bindings: BindingKind[] = ['uniform', 'read', 'read', 'write', 'read']
    const pipeline = await this.#pipelines.get('embed', bindings, embedKernel(form))
    return parts.map((part) => {
      const words = [part.firstRow, bufferRows(part), part.rows, columns, widths.x]
      const uniform = this.#memory.uniform('embedding', words)
      const group = this.#bind(pipeline, [uniform, part.weights, part.scales, x, passData])
      return this.#step(pipeline, group, Math.ceil(columns / 64), 'x')
    })
  }

  async #norm(
    { source, first = 0 }: { readonly source: NormShape['source']; readonly first?: number },
    input: GPUBuffer,
    gain: GPUBuffer,
    width: number,
    stride: number,
    into: Products,
  ): Promise<Step[]> {
    const { values, sums, steps, floats, passData } = this.#scratch
    const { graph, feedForward, rmsEpsilon } = this.#config
    const code = normKernel(this.#variant, {
      source,
      activation: graph.activation,
      quantised: into.some(({ form }) => 'block' in form),
      floats: into.some(({ form }) => 'type' in form),
      width,
      lanes: lanesFor(this.#variant, width),
    })
    const bindings: BindingKind[] = ['uniform', 'read', 'read', 'write', 'write', 'write', 'write', 'read']
    const pipeline = await this.#pipelines.get(`${source} norm`, bindings, code)
    const epsilon = new Uint32Array(Float32Array.of(rmsEpsilon).buffer)[0]!
    const uniform = this.#memory.uniform('norm', [stride, feedForward, first, epsilon])
    return [this.#rowStep(pipeline, [uniform, input, gain, values, sums, steps, floats, passData])]
  }

  async #multiply(products: Products, result: GPUBuffer, stride: number, add: boolean): Promise<Step[]> {
    const steps: Step[] = []
    let offset = 0
    for (const matrix of products) {
      steps.push(...(await this.#product(matrix, result, offset, stride, add)))
      offset += matrix.rows
    }
    return steps
  }

  async #product(
    matrix: GpuMatrix,
    result: GPUBuffer,
    offset: number,
    stride: number,
    add: boolean,
  ): Promise<Step[]> {
    const { values, sums, steps: scaleSteps, floats } = this.#scratch
    const { form, columns, units, slices, sliceUnits } = matrix
    const dense = 'type' in form
    const bindings: BindingKind[] = dense
      ? ['uniform', 'read', 'read', 'write']
      : ['uniform', 'read', 'read', 'read', 'read', 'read', 'write']
    const pipelines = await Promise.all(
      TILES.map(async (tile) => {
        const code = dense
          ? denseKernel({ type: form.type, tile, slices, add })
          : ternaryKernel(this.#variant, { block: form.block, tile, slices, add })
        const name = dense ? `product ${form.type}` : `ternary product, block ${form.block}`
        return [tile, await this.#pipelines.get(`${name}, tile ${tile}`, bindings, code)] as const
      }),
    )
    return matrix.parts.map((part) => {
      const words = [
        bufferRows(part),
        units,
        sliceUnits,
        offset + part.firstRow,
        stride,
        part.rows,
        pad64(columns),
      ]
      const uniform = this.#memory.uniform('product', words)
      const buffers = dense
        ? [uniform, part.weights, floats, result]
        : [uniform, part.weights, part.scales, values, sums, scaleSteps, result]
      return {
        pipelines: new Map(pipelines.map(([tile, { compute }]) => [tile, compute])),
        bindings: this.#bind(pipelines[0]![1], buffers),
        across: Math.ceil(part.rows / (rowLanes(slices) * (dense ? DENSE_ROWS : TERNARY_ROWS))),
        rowsIn: 'y',
      }
    })
  }

  async #store(layer: number): Promise<Step[]> {
    const { qkv, passData } = this.#scratch
    const pipeline = await this.#pipelines.get('store', ['read', 'write', 'read'], storeKernel(this.#heads))
    const rebind = () => this.#bind(pipeline, [qkv, this.#pool.layers[layer]!, passData])
    const step = this.#step(pipeline, rebind(), storeGroups(this.#heads), 'x')
    this.#cached.push({ step, rebind })
    return [step]
  }

  async #attend(layer: number): Promise<Step[]> {
    const { widths, qkv, attended, passData, parts, partChunks } = this.#scratch
    const { heads } = this.#heads
    const uniform = this.#memory.uniform('attention', [widths.attended, partChunks])
    const attention = async (form: AttentionForm): Promise<Step> => {
      const into = form === 'split' ? [attended, parts] : [attended]
      const bindings: BindingKind[] = ['read', 'read', 'read', 'uniform', ...into.map(() => 'write' as const)]
      const code = attentionKernel(this.#variant, this.#heads, form)
      const pipeline = await this.#pipelines.get(`attention, ${form}`, bindings, code)
      const rebind = () => this.#bind(pipeline, [qkv, this.#pool.layers[layer]!, passData, uniform, ...into])
      const step = { ...this.#step(pipeline, rebind(), heads, 'y'), form, chunked: form === 'split' }
      this.#cached.push({ step, rebind })
      return step
    }
    if (this.#scratch.splitRows === 0) return [await attention('whole')]
    const join = await this.#pipelines.get(
      'attention, join',
      ['read', 'read', 'uniform', 'write'],
      joinKernel(this.#variant, this.#heads),
    )
    const group = this.#bind(join, [parts, passData, uniform, attended])
    return [
      await attention('whole'),
      await attention('split'),
      { ...this.#step(join, group, heads, 'y'), form: 'split' },
    ]
  }

  #rowStep(pipeline: Pipeline, buffers: readonly GPUBuffer[]): Step {
    return this.#step(pipeline, this.#bind(pipeline, buffers), 1, 'x')
  }

  #step({ compute }: Pipeline, bindings: GPUBindGroup, across: number, rowsIn: 'x' | 'y'): Step {
    return { pipelines: new Map([[1, compute]]), bindings, across, rowsIn }
  }

  #bind({ layout }: Pipeline, buffers: readonly GPUBuffer[]): GPUBindGroup {
    const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }))
    return this.#memory.device.createBindGroup({ layout, entries })
  }
}

export interface GraphParts {
  readonly config: ModelConfig
  readonly model: GpuModel
  readonly memory: GpuMemory
  readonly pipelines: Pipelines
  readonly variant: Variant
  readonly scratch: Scratch
  readonly pool: KvPool
}

/**
 * What leads to the residual stream, embedding and layers, as submissions, each twice as long as the one before: the first starts
 * the GPU soon, the others are few.
 */
function inSubmissions(parts: readonly Step[][]): Step[][] {
  const submissions: Step[][] = []
  for (let from = 0, size = FIRST_SUBMISSION; from < parts.length; from += size, size *= 2) {
    submissions.push(parts.slice(from, from + size).flat())
  }
  return submissions
}

/** Embedding and layers in the first submission. */
const FIRST_SUBMISSION = 3

function dispatch(pass: GPUComputePassEncoder, step: Step, { rows, chunks }: Extent): void {
  const tile = step.pipelines.size > 1 ? tileFor(rows) : 1
  pass.setPipeline(step.pipelines.get(tile)!)
  pass.setBindGroup(0, step.bindings)
  if (step.rowsIn === 'x') pass.dispatchWorkgroups(rows, step.across)
  else pass.dispatchWorkgroups(step.across, Math.ceil(rows / tile), step.chunked ? chunks : 1)
}

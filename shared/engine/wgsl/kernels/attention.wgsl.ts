import { HALVES } from './half.wgsl.ts'
import { enables, largest, NARROW_LANES, type Variant } from './lanes.wgsl.ts'
import { passData, rotary } from './pass-data.wgsl.ts'
import { each } from './repeat.ts'

export interface HeadShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
}

/** Positions in a block of the KV cache. */
export const BLOCK_POSITIONS = 64

/** Vec4s of a head: 8 dimensions each, the last filled up with zeros. */
const headVectors = (headDim: number) => Math.ceil(headDim / 8)

/** u32 words of one block of one layer: keys and values as pairs of binary16. */
export const blockWords = ({ kvHeads, headDim }: HeadShape): number =>
  kvHeads * 2 * BLOCK_POSITIONS * headVectors(headDim) * 4

/**
 * The KV cache of one layer: blocks of 64 positions; in a block per KV head keys [C/8][64], then values [64][C/8], vec4s of 8
 * dimensions: a word holds dimensions 2d (low half) and 2d + 1 as binary16.
 */
const layout = ({ heads, kvHeads, headDim }: HeadShape) => `
const HEADS = ${heads}u; const KV_HEADS = ${kvHeads}u; const WIDTH = ${headDim}u;
const VECTORS = ${headVectors(headDim)}u;
const ROW = (HEADS + 2u * KV_HEADS) * WIDTH; // of qkv: queries, keys, values
fn keyAt(block: u32, head: u32, vector: u32, slot: u32) -> u32 {
  return ((block * KV_HEADS + head) * 2u * VECTORS + vector) * ${BLOCK_POSITIONS}u + slot;
}
fn valueAt(block: u32, head: u32, vector: u32, slot: u32) -> u32 {
  return (((block * KV_HEADS + head) * 2u + 1u) * ${BLOCK_POSITIONS}u + slot) * VECTORS + vector;
}`

/** Turns the new keys and stores them and the new values, rounded to binary16. Workgroup: 64 threads; grid: x rows, y pairs. */
export function storeKernel(shape: HeadShape): string {
  return `
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<u32>;
${passData(2)}
${HALVES}
${rotary(shape.headDim)}
${layout(shape)}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let row = group.x;
  let n = group.y * 64u + lane;
  if (n >= KV_HEADS * HALF) { return; }
  let position = positionOf(row);
  let block = blockOf(row, position / ${BLOCK_POSITIONS}u);
  let slot = position % ${BLOCK_POSITIONS}u;
  let head = n / HALF;
  let pair = n % HALF;
  let key = row * ROW + (HEADS + head) * WIDTH;
  let value = row * ROW + (HEADS + KV_HEADS + head) * WIDTH + 2u * pair;
  cache[keyAt(block, head, pair / 4u, slot) * 4u + pair % 4u] =
    halves(vec2<f32>(rotated(row, key, 2u * pair), rotated(row, key, 2u * pair + 1u)));
  cache[valueAt(block, head, pair / 4u, slot) * 4u + pair % 4u] =
    halves(clamp(vec2<f32>(qkv[value], qkv[value + 1u]), vec2<f32>(-65504.0), vec2<f32>(65504.0)));
}`
}

/** Workgroups of `storeKernel` across a row. */
export const storeGroups = ({ kvHeads, headDim }: HeadShape): number =>
  Math.ceil((kvHeads * headDim) / 2 / 64)

/** Positions whose keys are looked at together, whose softmax is taken by itself. */
export const CHUNK_POSITIONS = 256

/** f32 words of a head's result over one chunk: largest score, sum of weights, outputs. */
export const partWords = (headDim: number): number => headDim + 2

/** `whole`: a workgroup walks all chunks of a row; `split`: takes one, for `joinKernel` to put together. */
export type AttentionForm = 'whole' | 'split'

const lanesOf = (variant: Variant) => (variant.narrow ? NARROW_LANES : CHUNK_POSITIONS)

/** Running largest score, sum and outputs of a thread's dimensions, and how the next chunk's `m`, `s`, `o…` join them. */
const joining = (dimensions: number) => ({
  start: `var most = -1e30; var sum = 0.0; ${each(dimensions, (d) => `var out${d} = 0.0;`)}`,
  add: `
    let peakSoFar = max(most, m);
    let keep = select(exp(most - peakSoFar), 0.0, chunk == 0u);
    let take = exp(m - peakSoFar);
    most = peakSoFar;
    sum = fma(sum, keep, s * take);
    ${each(dimensions, (d) => `out${d} = fma(out${d}, keep, o${d} * take);`)}`,
})

/** `write` for every dimension `i` of the thread. */
const forDimensions = (dimensions: number, lanes: number, write: (d: number, i: string) => string) =>
  each(dimensions, (d) => `if (lane + ${d * lanes}u < WIDTH) { ${write(d, `(lane + ${d * lanes}u)`)} }`)

/**
 * attended[t, head] = softmax(q · K / √C) · V over positions 0 … the row's, queries turned and rounded to binary16.
 *
 * Order: chunks of 256 positions rising. In a chunk a score is one fma chain over the head's dimensions, then · 1/√C; its maximum
 * m is exact; weights e^(score − m). The chunk's positions are shared out to groups of consecutive ones, as many groups as there
 * are threads for 8 dimensions each; a group takes its positions in rising order, outputs by fma, and groups add up in rising
 * order. Chunks join in rising order: with M the larger of both maxima, sum = fma(sum, e^(m_before − M), s · e^(m − M)), outputs
 * likewise; in the end output / sum. Groups depend on the head's width and the workgroup's alone, chunks on nothing, so it is
 * the same bits whether one workgroup walks the chunks or each has one; nothing depends on other rows.
 *
 * Workgroup: 256 threads (narrow: 8), by position of the chunk, then one a group's 8 dimensions; grid: x heads, y rows, z chunks
 * (split). Rows of one chunk are done here in either form. parts [rows][heads][chunks][C + 2].
 */
export function attentionKernel(variant: Variant, shape: HeadShape, form: AttentionForm): string {
  const lanes = lanesOf(variant)
  const vectors = headVectors(shape.headDim)
  let groups = 1
  while (2 * groups * vectors <= lanes) groups *= 2
  const slots = CHUNK_POSITIONS / groups
  /** Vec4s that one thread takes, and dimensions in the end. */
  const turns = Math.ceil((vectors * groups) / lanes)
  const dimensions = Math.ceil(shape.headDim / lanes)
  const forTurns = (write: (p: number) => string) => each(turns, write)
  /** Loads that are on their way at once. */
  const keysAtOnce = divisorUpTo(8, vectors)
  const valuesAtOnce = Math.min(variant.narrow ? 2 : 8, slots)
  const { start, add } = joining(dimensions)
  const finish = forDimensions(
    dimensions,
    lanes,
    (d, i) => `attended[row * out.stride + head * WIDTH + ${i}] = out${d} / sum;`,
  )
  return `${enables(variant)}
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cache: array<vec4<u32>>;
${passData(2)}
struct Out { stride: u32, chunks: u32 }
@group(0) @binding(3) var<uniform> out: Out;
@group(0) @binding(4) var<storage, read_write> attended: array<f32>;
${form === 'split' ? '@group(0) @binding(5) var<storage, read_write> parts: array<f32>;' : ''}
${HALVES}
${rotary(shape.headDim)}
${layout(shape)}
${largest(variant, lanes)}
const GROUPS = ${groups}u;
const SLOTS = ${slots}u; // of a group
var<workgroup> query: array<vec2<f32>, ${4 * vectors}>;
var<workgroup> weights: array<f32, ${CHUNK_POSITIONS}>;
var<workgroup> sums: array<f32, ${groups}>;
var<workgroup> outputs: array<array<vec4<f32>, 2>, ${vectors * groups}>;
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) wg: vec3<u32>) {
  let head = wg.x;
  let row = wg.y;
  let kvHead = (head * KV_HEADS) / HEADS;
  let count = positionOf(row) + 1u;
  let chunks = (count + ${CHUNK_POSITIONS - 1}u) / ${CHUNK_POSITIONS}u;
  ${form === 'split' ? 'if (wg.z >= chunks) { return; }' : ''}
  for (var pair = lane; pair < 4u * VECTORS; pair += ${lanes}u) {
    let start = row * ROW + head * WIDTH;
    var turned = vec2<f32>(0.0);
    if (pair < HALF) { turned = vec2<f32>(rotated(row, start, 2u * pair), rotated(row, start, 2u * pair + 1u)); }
    query[pair] = unpack2x16float(halves(turned));
  }
  workgroupBarrier();
  let group = lane / VECTORS;
  ${start}
  ${form === 'split' ? 'let chunk = wg.z;' : 'for (var chunk = 0u; chunk < chunks; chunk++) {'}
    let begin = chunk * ${CHUNK_POSITIONS}u;
    let held = min(count - begin, ${CHUNK_POSITIONS}u);
    var peak = -1e30;
    for (var slot = lane; slot < held; slot += ${lanes}u) {
      let block = blockOf(row, (begin + slot) / ${BLOCK_POSITIONS}u);
      let place = slot % ${BLOCK_POSITIONS}u;
      var chain = 0.0;
      for (var v = 0u; v < VECTORS; v += ${keysAtOnce}u) {
        ${each(keysAtOnce, (n) => `let key${n} = cache[keyAt(block, kvHead, v + ${n}u, place)];`)}
        ${each(keysAtOnce, (n) =>
          each(
            4,
            (i) => `{
          let k = unpack2x16float(key${n}.${'xyzw'[i]}); let q = query[4u * (v + ${n}u) + ${i}u];
          chain = fma(q.y, k.y, fma(q.x, k.x, chain));
        }`,
          ),
        )}
      }
      let score = chain * ${Math.fround(1 / Math.sqrt(shape.headDim))};
      weights[slot] = score;
      peak = max(peak, score);
    }
    let m = largestOf(peak, lane);
    for (var slot = lane; slot < ${CHUNK_POSITIONS}u; slot += ${lanes}u) {
      var weight = 0.0;
      if (slot < held) { weight = exp(weights[slot] - m); }
      weights[slot] = weight;
    }
    workgroupBarrier();
    if (group < GROUPS) {
      var groupSum = 0.0;
      ${forTurns((p) => `var low${p} = vec4<f32>(0.0); var high${p} = vec4<f32>(0.0);`)}
      let end = min((group + 1u) * SLOTS, held);
      // Past the end a weight is 0, and the value that of the last position.
      for (var slot = group * SLOTS; slot < end; slot += ${valuesAtOnce}u) {
        let block = blockOf(row, (begin + slot) / ${BLOCK_POSITIONS}u);
        ${each(valuesAtOnce, (n) => `let place${n} = min(slot + ${n}u, held - 1u) % ${BLOCK_POSITIONS}u; let weight${n} = weights[slot + ${n}u];`)}
        ${forTurns((p) =>
          each(
            valuesAtOnce,
            (n) =>
              `let value${p}_${n} = cache[valueAt(block, kvHead, min(lane % VECTORS + ${lanes * p}u, VECTORS - 1u), place${n})];`,
          ),
        )}
        ${each(valuesAtOnce, (n) => `groupSum = groupSum + weight${n};`)}
        ${forTurns((p) =>
          each(valuesAtOnce, (n) => {
            const value = `value${p}_${n}`
            return `
        low${p} = fma(vec4<f32>(weight${n}), vec4<f32>(unpack2x16float(${value}.x), unpack2x16float(${value}.y)), low${p});
        high${p} = fma(vec4<f32>(weight${n}), vec4<f32>(unpack2x16float(${value}.z), unpack2x16float(${value}.w)), high${p});`
          }),
        )}
      }
      if (lane % VECTORS == 0u) { sums[group] = groupSum; }
      ${forTurns((p) => {
        const at = `group * VECTORS + lane % VECTORS + ${lanes * p}u`
        return `if (lane % VECTORS + ${lanes * p}u < VECTORS) { outputs[${at}] = array<vec4<f32>, 2>(low${p}, high${p}); }`
      })}
    }
    workgroupBarrier();
    var s = 0.0;
    ${each(dimensions, (d) => `var o${d} = 0.0;`)}
    for (var g = 0u; g < GROUPS; g++) {
      s = s + sums[g];
      ${forDimensions(dimensions, lanes, (d, i) => `o${d} = o${d} + outputs[g * VECTORS + ${i} / 8u][(${i} / 4u) % 2u][${i} % 4u];`)}
    }
    ${form === 'split' ? splitEnd(dimensions, lanes, add, finish) : `${add}\nworkgroupBarrier();\n}\n${finish}`}
}`
}

/** A row of one chunk is done; another chunk's result waits for the others. */
const splitEnd = (dimensions: number, lanes: number, add: string, finish: string) => `
    if (chunks == 1u) { ${add}
      ${finish}
      return;
    }
    let at = ((row * HEADS + head) * out.chunks + chunk) * (WIDTH + 2u);
    if (lane == 0u) { parts[at] = m; parts[at + 1u] = s; }
    ${forDimensions(dimensions, lanes, (d, i) => `parts[at + 2u + ${i}] = o${d};`)}`

/** Puts together what `attentionKernel`, split, left of rows that have several chunks. Workgroup: as there; grid: x heads, y rows. */
export function joinKernel(variant: Variant, shape: HeadShape): string {
  const lanes = variant.narrow ? NARROW_LANES : 64
  const dimensions = Math.ceil(shape.headDim / lanes)
  const { start, add } = joining(dimensions)
  return `
@group(0) @binding(0) var<storage, read> parts: array<f32>;
${passData(1)}
struct Out { stride: u32, chunks: u32 }
@group(0) @binding(2) var<uniform> out: Out;
@group(0) @binding(3) var<storage, read_write> attended: array<f32>;
const HEADS = ${shape.heads}u; const WIDTH = ${shape.headDim}u;
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) wg: vec3<u32>) {
  let head = wg.x;
  let row = wg.y;
  let chunks = (positionOf(row) + ${CHUNK_POSITIONS}u) / ${CHUNK_POSITIONS}u;
  if (chunks == 1u) { return; }
  ${start}
  for (var chunk = 0u; chunk < chunks; chunk++) {
    let at = ((row * HEADS + head) * out.chunks + chunk) * (WIDTH + 2u);
    let m = parts[at];
    let s = parts[at + 1u];
    ${each(dimensions, (d) => `let o${d} = parts[at + 2u + min(lane + ${d * lanes}u, WIDTH - 1u)];`)}
    ${add}
  }
  ${forDimensions(dimensions, lanes, (d, i) => `attended[row * out.stride + head * WIDTH + ${i}] = out${d} / sum;`)}
}`
}

function divisorUpTo(most: number, of: number): number {
  let divisor = Math.min(most, of)
  while (of % divisor !== 0) divisor--
  return divisor
}

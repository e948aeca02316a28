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

/** Turns the new keys and stores them and the new values, rounded to binary16. Workgroup: 64 threads; grid: x rows. */
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
  let position = positionOf(row);
  let block = blockOf(row, position / ${BLOCK_POSITIONS}u);
  let slot = position % ${BLOCK_POSITIONS}u;
  for (var n = lane; n < KV_HEADS * HALF; n += 64u) {
    let head = n / HALF;
    let pair = n % HALF;
    let key = row * ROW + (HEADS + head) * WIDTH;
    cache[keyAt(block, head, pair / 4u, slot) * 4u + pair % 4u] =
      halves(vec2<f32>(rotated(row, key, 2u * pair), rotated(row, key, 2u * pair + 1u)));
    let value = row * ROW + (HEADS + KV_HEADS + head) * WIDTH + 2u * pair;
    cache[valueAt(block, head, pair / 4u, slot) * 4u + pair % 4u] =
      halves(clamp(vec2<f32>(qkv[value], qkv[value + 1u]), vec2<f32>(-65504.0), vec2<f32>(65504.0)));
  }
}`
}

/**
 * attended[t, head] = softmax(q · K / √C) · V over positions 0 … the row's, queries turned and rounded to binary16.
 *
 * Order: blocks of 64 positions rising. In a block a score is one fma chain over the head's dimensions, then · 1/√C; the
 * running maximum m is exact; weights e^(score − m). The block's positions are shared out to groups of consecutive ones, as many
 * groups as there are threads for 8 dimensions each; a group's sum and outputs are scaled by e^(m_old − m), then take its positions
 * in rising order, outputs by fma. In the end the groups are added up in rising order, and output / sum. Groups depend on the
 * head's width and the workgroup's alone, and nothing on other rows.
 *
 * Workgroup: 64 threads (narrow: 8), by position of the block, then one a group's 8 dimensions; grid: x heads, y rows.
 */
export function attentionKernel(variant: Variant, shape: HeadShape): string {
  const lanes = variant.narrow ? NARROW_LANES : 64
  const vectors = headVectors(shape.headDim)
  let groups = 1
  while (2 * groups * vectors <= lanes) groups *= 2
  /** Vec4s that one thread takes. */
  const turns = Math.ceil((vectors * groups) / lanes)
  const forTurns = (write: (p: number) => string) => each(turns, write)
  return `${enables(variant)}
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cache: array<vec4<u32>>;
${passData(2)}
struct Out { stride: u32 }
@group(0) @binding(3) var<uniform> out: Out;
@group(0) @binding(4) var<storage, read_write> attended: array<f32>;
${HALVES}
${rotary(shape.headDim)}
${layout(shape)}
${largest(variant, lanes)}
const GROUPS = ${groups}u;
const SLOTS = ${BLOCK_POSITIONS / groups}u; // of a group
var<workgroup> query: array<vec2<f32>, ${4 * vectors}>;
var<workgroup> weights: array<f32, 64>;
var<workgroup> sums: array<f32, ${groups}>;
var<workgroup> parts: array<array<vec4<f32>, 2>, ${vectors * groups}>;
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) wg: vec3<u32>) {
  let head = wg.x;
  let row = wg.y;
  let kvHead = (head * KV_HEADS) / HEADS;
  let count = positionOf(row) + 1u;
  for (var pair = lane; pair < 4u * VECTORS; pair += ${lanes}u) {
    let start = row * ROW + head * WIDTH;
    var turned = vec2<f32>(0.0);
    if (pair < HALF) { turned = vec2<f32>(rotated(row, start, 2u * pair), rotated(row, start, 2u * pair + 1u)); }
    query[pair] = unpack2x16float(halves(turned));
  }
  workgroupBarrier();
  let group = lane / VECTORS;
  var most = -1e30;
  var sum = 0.0;
  ${forTurns((p) => `var low${p} = vec4<f32>(0.0); var high${p} = vec4<f32>(0.0);`)}
  for (var begin = 0u; begin < count; begin += 64u) {
    let block = blockOf(row, begin / 64u);
    let held = min(count - begin, 64u);
    var peak = -1e30;
    for (var slot = lane; slot < held; slot += ${lanes}u) {
      var chain = 0.0;
      for (var v = 0u; v < VECTORS; v++) {
        let key = cache[keyAt(block, kvHead, v, slot)];
        ${each(
          4,
          (i) => `
        let k${i} = unpack2x16float(key.${'xyzw'[i]}); let q${i} = query[4u * v + ${i}u];
        chain = fma(q${i}.y, k${i}.y, fma(q${i}.x, k${i}.x, chain));`,
        )}
      }
      let score = chain * ${Math.fround(1 / Math.sqrt(shape.headDim))};
      weights[slot] = score;
      peak = max(peak, score);
    }
    let before = most;
    most = max(before, largestOf(peak, lane));
    for (var slot = lane; slot < held; slot += ${lanes}u) { weights[slot] = exp(weights[slot] - most); }
    workgroupBarrier();
    if (group < GROUPS) {
      let fade = select(exp(before - most), 0.0, begin == 0u);
      let end = min((group + 1u) * SLOTS, held);
      sum = sum * fade;
      ${forTurns((p) => `low${p} = low${p} * fade; high${p} = high${p} * fade;`)}
      for (var slot = group * SLOTS; slot < end; slot++) {
        let weight = weights[slot];
        sum = sum + weight;
        ${forTurns(
          (p) => `{
          let value = cache[valueAt(block, kvHead, min(lane % VECTORS + ${lanes * p}u, VECTORS - 1u), slot)];
          low${p} = fma(vec4<f32>(weight), vec4<f32>(unpack2x16float(value.x), unpack2x16float(value.y)), low${p});
          high${p} = fma(vec4<f32>(weight), vec4<f32>(unpack2x16float(value.z), unpack2x16float(value.w)), high${p});
        }`,
        )}
      }
    }
    workgroupBarrier();
  }
  if (group < GROUPS) {
    if (lane % VECTORS == 0u) { sums[group] = sum; }
    ${forTurns((p) => {
      const at = `group * VECTORS + lane % VECTORS + ${lanes * p}u`
      return `if (lane % VECTORS + ${lanes * p}u < VECTORS) { parts[${at}] = array<vec4<f32>, 2>(low${p}, high${p}); }`
    })}
  }
  workgroupBarrier();
  for (var i = lane; i < WIDTH; i += ${lanes}u) {
    var total = 0.0;
    var output = 0.0;
    for (var g = 0u; g < GROUPS; g++) {
      total = total + sums[g];
      output = output + parts[g * VECTORS + i / 8u][(i / 4u) % 2u][i % 4u];
    }
    attended[row * out.stride + head * WIDTH + i] = output / total;
  }
}`
}

import { enables, largest, type Variant } from './lanes.wgsl.ts'
import { passData, rotary } from './pass-data.wgsl.ts'

export interface HeadShape {
  readonly heads: number
  readonly kvHeads: number
  readonly headDim: number
}

/** Positions in a block of the KV cache. */
export const BLOCK_POSITIONS = 64

/** u32 words of one block of one layer: keys and values as pairs of binary16. */
export const blockWords = ({ kvHeads, headDim }: HeadShape): number => kvHeads * BLOCK_POSITIONS * headDim

/**
 * The KV cache of one layer: blocks of 64 positions; in a block per KV head keys [C/2][64], then values [64][C/2]; a word holds
 * dimensions 2d (low half) and 2d + 1 as binary16.
 */
const layout = ({ heads, kvHeads, headDim }: HeadShape) => `
const HEADS = ${heads}u; const KV_HEADS = ${kvHeads}u; const WIDTH = ${headDim}u;
const ROW = (HEADS + 2u * KV_HEADS) * WIDTH; // of qkv: queries, keys, values
fn keyAt(block: u32, head: u32, pair: u32, slot: u32) -> u32 {
  return (block * KV_HEADS + head) * ${BLOCK_POSITIONS}u * WIDTH + pair * ${BLOCK_POSITIONS}u + slot;
}
fn valueAt(block: u32, head: u32, pair: u32, slot: u32) -> u32 {
  return ((block * KV_HEADS + head) * 2u + 1u) * ${BLOCK_POSITIONS}u * HALF + slot * HALF + pair;
}`

/** Turns the new keys and stores them and the new values, rounded to binary16. Workgroup: 64 threads; grid: x rows. */
export function storeKernel(shape: HeadShape): string {
  return `
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<u32>;
${passData(2)}
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
    cache[keyAt(block, head, pair, slot)] =
      pack2x16float(vec2<f32>(rotated(row, key, 2u * pair), rotated(row, key, 2u * pair + 1u)));
    let value = row * ROW + (HEADS + KV_HEADS + head) * WIDTH + 2u * pair;
    cache[valueAt(block, head, pair, slot)] =
      pack2x16float(clamp(vec2<f32>(qkv[value], qkv[value + 1u]), vec2<f32>(-65504.0), vec2<f32>(65504.0)));
  }
}`
}

/**
 * attended[t, head] = softmax(q · K / √C) · V over positions 0 … the row's, queries turned and rounded to binary16.
 *
 * Order: blocks of 64 positions rising. In a block a score is one fma chain over the head's dimensions, then · 1/√C; the
 * running maximum m is exact; weights e^(score − m); the sum and every output dimension are first scaled by e^(m_old − m), then
 * take the block's positions in rising order, outputs by fma. In the end output / sum. Nothing depends on other rows.
 *
 * Workgroup: 64 threads, one a position of the block, then one a pair of dimensions; grid: x heads, y rows.
 */
export function attentionKernel(variant: Variant, shape: HeadShape): string {
  const pairs = Math.ceil(shape.headDim / 2 / 64)
  const each = (write: (p: number) => string) => Array.from({ length: pairs }, (_, p) => write(p)).join('\n')
  const guard = (p: number, body: string) => `if (lane + ${64 * p}u < HALF) { ${body} }`
  return `${enables(variant)}
@group(0) @binding(0) var<storage, read> qkv: array<f32>;
@group(0) @binding(1) var<storage, read> cache: array<u32>;
${passData(2)}
struct Out { stride: u32 }
@group(0) @binding(3) var<uniform> out: Out;
@group(0) @binding(4) var<storage, read_write> attended: array<f32>;
${rotary(shape.headDim)}
${layout(shape)}
${largest(variant, 64)}
var<workgroup> query: array<vec2<f32>, ${shape.headDim / 2}>;
var<workgroup> weights: array<f32, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let head = group.x;
  let row = group.y;
  let kvHead = (head * KV_HEADS) / HEADS;
  let count = positionOf(row) + 1u;
  for (var pair = lane; pair < HALF; pair += 64u) {
    let start = row * ROW + head * WIDTH;
    let turned = vec2<f32>(rotated(row, start, 2u * pair), rotated(row, start, 2u * pair + 1u));
    query[pair] = unpack2x16float(pack2x16float(turned));
  }
  workgroupBarrier();
  var most = -1e30;
  var sum = 0.0;
  ${each((p) => `var o${p} = vec2<f32>(0.0);`)}
  for (var begin = 0u; begin < count; begin += 64u) {
    let block = blockOf(row, begin / 64u);
    let held = min(count - begin, 64u);
    var score = -1e30;
    if (lane < held) {
      var chain = 0.0;
      for (var pair = 0u; pair < HALF; pair++) {
        let key = unpack2x16float(cache[keyAt(block, kvHead, pair, lane)]);
        chain = fma(query[pair].y, key.y, fma(query[pair].x, key.x, chain));
      }
      score = chain * ${Math.fround(1 / Math.sqrt(shape.headDim))};
    }
    let before = most;
    most = max(before, largestOf(score, lane));
    weights[lane] = select(0.0, exp(score - most), lane < held);
    workgroupBarrier();
    let fade = select(exp(before - most), 0.0, begin == 0u);
    sum = sum * fade;
    for (var slot = 0u; slot < held; slot++) { sum = sum + weights[slot]; }
    ${each((p) =>
      guard(
        p,
        `
      o${p} = o${p} * fade;
      for (var slot = 0u; slot < held; slot++) {
        let value = unpack2x16float(cache[valueAt(block, kvHead, lane + ${64 * p}u, slot)]);
        o${p} = fma(vec2<f32>(weights[slot]), value, o${p});
      }`,
      ),
    )}
    workgroupBarrier();
  }
  ${each((p) =>
    guard(
      p,
      `
    let at = row * out.stride + head * WIDTH + 2u * (lane + ${64 * p}u);
    attended[at] = o${p}.x / sum;
    attended[at + 1u] = o${p}.y / sum;`,
    ),
  )}
}`
}

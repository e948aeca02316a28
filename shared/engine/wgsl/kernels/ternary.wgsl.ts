import { dot4, type Variant } from './lanes.wgsl.ts'
import { each } from './repeat.ts'

export interface TernaryShape {
  /** Columns that share a scale: 64, 128, 256; 0 when a row has one scale. */
  readonly block: number
  /** Rows of the pass that a thread takes at once. */
  readonly tile: number
  /** Threads that share an output row, a power of two; each takes consecutive blocks. */
  readonly slices: number
  /** Add to the output instead of writing it. */
  readonly add: boolean
}

/**
 * out[t, offset + r] (+)= (Σ_c weight[r, c] · value[t, c]) · step[t] · scale, weights −1 … 2 in 2 bits, values int8.
 *
 * Sums of integers are exact. One scale a row: fma(f32(Σ), scale · step, out). A scale per block: every slice chains
 * total = fma(f32(Σ_block), scale_block, total) over its blocks in rising order, the slices add up in rising order, then
 * fma(total, step, out). Slices depend on the matrix's shape alone: a row's bits do not depend on the tile.
 *
 * weights [units][rows] vec4: 64 columns of a row; column 16g + n in bits 2n, 2n + 1 of component g (code = weight + 1).
 * values [T][units][4] vec4: component j of vec4 g holds columns 16g + j, + 4, + 8, + 12 in its bytes, so that one shift
 * and one mask of a component of the weights meet them. sums [T][units]: Σ value, taken off once, for codes are weight + 1.
 * Workgroup: 64 threads, 64 / slices rows; grid: x rows, y tiles. Buffers hold whole tiles.
 */
export function ternaryKernel(variant: Variant, { block, tile, slices, add }: TernaryShape): string {
  const rows = 64 / slices
  const single = block === 0
  const type = single ? 'i32' : 'f32'
  const units = `
      let w = weights[u * part.rows + row];
      let w2 = w >> vec4<u32>(2u);
      let w4 = w >> vec4<u32>(4u);
      let w6 = w >> vec4<u32>(6u);
      ${each(4, (g) => {
        const c = 'xyzw'[g]
        return `
      let a${g} = w.${c} & MASK; let b${g} = w2.${c} & MASK; let c${g} = w4.${c} & MASK; let d${g} = w6.${c} & MASK;`
      })}
      ${each(
        tile,
        (k) => `{
        let at = ((first + ${k}u) * part.units + u) * 4u;
        var s = -sums[(first + ${k}u) * part.units + u];
        ${each(
          4,
          (g) => `{
          let v = values[at + ${g}u];
          s += dot4(a${g}, v.x) + dot4(b${g}, v.y) + dot4(c${g}, v.z) + dot4(d${g}, v.w);
        }`,
        )}
        ${single ? 'total' : 'sum'}${k} += s;
      }`,
      )}`
  const loop = single
    ? `for (var u = begin; u < end; u++) {${units}
    }`
    : `for (var b = begin; b < end; b += ${block / 64}u) {
      ${each(tile, (k) => `var sum${k} = 0;`)}
      for (var u = b; u < b + ${block / 64}u; u++) {${units}
      }
      let pair = unpack2x16float(scales[((b / ${block / 64}u) * part.rows + row) >> 1u]);
      let scale = select(pair.x, pair.y, (row & 1u) == 1u);
      ${each(tile, (k) => `total${k} = fma(f32(sum${k}), scale, total${k});`)}
    }`
  const store = (k: number) => {
    const at = `(first + ${k}u) * part.outStride + part.outOffset + r`
    const unit = single ? `bitcast<f32>(scales[row]) * steps[first + ${k}u]` : `steps[first + ${k}u]`
    const product = single ? `f32(total${k})` : `total${k}`
    return add
      ? `{ let at = ${at}; result[at] = fma(${product}, ${unit}, result[at]); }`
      : `result[${at}] = ${product} * (${unit});`
  }
  return `
const MASK = 0x03030303u;
struct Part {
  rows: u32, // even
  units: u32, // of 64 columns
  sliceUnits: u32,
  outOffset: u32,
  outStride: u32,
  realRows: u32,
}
@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read> values: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> sums: array<i32>;
@group(0) @binding(5) var<storage, read> steps: array<f32>;
@group(0) @binding(6) var<storage, read_write> result: array<f32>;
${dot4(variant)}
${slices > 1 ? `var<workgroup> partial: array<${type}, ${64 * tile}>;` : ''}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let r = group.x * ${rows}u + lane % ${rows}u;
  let row = min(r, part.rows - 1u);
  let first = group.y * ${tile}u;
  let slice = lane / ${rows}u;
  let begin = min(slice * part.sliceUnits, part.units);
  let end = min(begin + part.sliceUnits, part.units);
  ${each(tile, (k) => `var total${k}: ${type} = 0;`)}
  ${loop}
  ${
    slices === 1
      ? ''
      : `
  ${each(tile, (k) => `partial[${k * 64}u + lane] = total${k};`)}
  workgroupBarrier();
  if (slice > 0u) { return; }
  for (var s = 1u; s < ${slices}u; s++) {
    ${each(tile, (k) => `total${k} += partial[${k * 64}u + s * ${rows}u + lane];`)}
  }`
  }
  if (r >= part.realRows) { return; }
  ${each(tile, store)}
}`
}

import type { Variant } from './lanes.wgsl.ts'
import { productForm, splitCodes } from './products.wgsl.ts'
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

/** Output rows of a thread: activations are read once for them. */
export const TERNARY_ROWS = 2

/**
 * out[t, offset + r] (+)= (Σ_c weight[r, c] · value[t, c]) · step[t] · scale, weights −1 … 2 in 2 bits, values int8.
 *
 * Sums of integers are exact. One scale a row: fma(f32(Σ), scale · step, out). A scale per block: every slice chains
 * total = fma(f32(Σ_block), scale_block, total) over its blocks in rising order, the slices add up in rising order, then
 * fma(total, step, out). Slices depend on the matrix's shape alone: a row's bits do not depend on the tile.
 *
 * weights [units][rows] vec4: 64 columns of a row; column 16g + n in bits 2n, 2n + 1 of component g (code = weight + 1).
 * values [T][units][4][words]: see products.wgsl.ts. sums [T][units]: Σ value, taken off once, for codes are weight + 1.
 * Workgroup: 64 threads for 64 / slices · TERNARY_ROWS rows; grid: x rows, y tiles. Buffers hold whole tiles.
 */
export function ternaryKernel(variant: Variant, { block, tile, slices, add }: TernaryShape): string {
  const form = productForm(variant)
  const lanes = 64 / slices
  const single = block === 0
  /** Every output row of the thread with every row of its tile. */
  const cells = (write: (k: number, p: number, cell: number) => string) =>
    each(tile, (k) => each(TERNARY_ROWS, (p) => write(k, p, k * TERNARY_ROWS + p)))
  const vectors = form.words / 4
  const unit = `
      ${each(TERNARY_ROWS, (p) => `let w${p} = weights[u * part.rows + row${p}];`)}
      ${cells((_k, _p, cell) => `var unit${cell} = ${form.start};`)}
      for (var g = 0u; g < 4u; g++) {
        ${each(TERNARY_ROWS, (p) => splitCodes(form, `c${p}`, `w${p}[g]`))}
        ${each(
          tile,
          (k) => `{
        let at = (((first + ${k}u) * part.units + u) * 4u + g) * ${vectors}u;
        ${each(vectors, (v) => `let v${v} = values[at + ${v}u];`)}
        ${each(TERNARY_ROWS, (p) =>
          each(form.words, (j) =>
            form.add(`unit${k * TERNARY_ROWS + p}`, `c${p}_${j}`, `v${j >> 2}.${'xyzw'[j & 3]}`),
          ),
        )}
        }`,
        )}
      }
      ${cells((k, _p, cell) => {
        const sum = `${form.total(`unit${cell}`)} - sums[(first + ${k}u) * part.units + u]`
        return `${single ? 'total' : 'sum'}${cell} += ${sum};`
      })}`
  const loop = single
    ? `for (var u = begin; u < end; u++) {${unit}
    }`
    : `for (var b = begin; b < end; b += ${block / 64}u) {
      ${cells((_k, _p, cell) => `var sum${cell} = 0;`)}
      for (var u = b; u < b + ${block / 64}u; u++) {${unit}
      }
      ${each(TERNARY_ROWS, (p) => `let scale${p} = blockScale(b / ${block / 64}u, row${p});`)}
      ${cells((_k, p, cell) => `total${cell} = fma(f32(sum${cell}), scale${p}, total${cell});`)}
    }`
  const store = (k: number, p: number, cell: number) => {
    const step = `steps[first + ${k}u]`
    const factor = single ? `bitcast<f32>(scales[row${p}]) * ${step}` : step
    const product = single ? `f32(total${cell})` : `total${cell}`
    return `if (r${p} < part.realRows) {
      let at = (first + ${k}u) * part.outStride + part.outOffset + r${p};
      result[at] = ${add ? `fma(${product}, ${factor}, result[at])` : `${product} * (${factor})`};
    }`
  }
  return `
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
fn blockScale(block: u32, row: u32) -> f32 {
  return unpack2x16float(scales[(block * part.rows + row) >> 1u])[row & 1u];
}
${slices > 1 ? `var<workgroup> partial: array<${single ? 'i32' : 'f32'}, ${64 * tile * TERNARY_ROWS}>;` : ''}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  ${each(
    TERNARY_ROWS,
    (p) => `
  let r${p} = (group.x * ${TERNARY_ROWS}u + ${p}u) * ${lanes}u + lane % ${lanes}u;
  let row${p} = min(r${p}, part.rows - 1u);`,
  )}
  let first = group.y * ${tile}u;
  let slice = lane / ${lanes}u;
  let begin = min(slice * part.sliceUnits, part.units);
  let end = min(begin + part.sliceUnits, part.units);
  ${cells((_k, _p, cell) => `var total${cell} = ${single ? '0' : '0.0'};`)}
  ${loop}
  ${slices > 1 ? addSlices(slices, lanes, tile * TERNARY_ROWS) : ''}
  ${cells(store)}
}`
}

/** Adds up `total0` … over the slices in rising order; only the first slice's threads go on. */
export function addSlices(slices: number, lanes: number, cells: number): string {
  return `
  ${each(cells, (cell) => `partial[${cell * 64}u + lane] = total${cell};`)}
  workgroupBarrier();
  if (slice > 0u) { return; }
  for (var s = 1u; s < ${slices}u; s++) {
    ${each(cells, (cell) => `total${cell} += partial[${cell * 64}u + s * ${lanes}u + lane];`)}
  }`
}

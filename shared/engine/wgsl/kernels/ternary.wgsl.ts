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

/** Rows of the matrix that lie side by side in a workgroup, and its threads, when `slices` threads share each. */
export const rowLanes = (slices: number): number => Math.max(8, 64 / slices)

/**
 * out[t, offset + r] (+)= (Σ_c weight[r, c] · value[t, c]) · step[t] · scale, weights −1 … 2 in 2 bits, values int8.
 *
 * Sums of integers are exact. One scale a row: fma(f32(Σ), scale · step, out). A scale per block: every slice chains
 * total = fma(f32(Σ_block), scale_block, total) over its blocks in rising order, the slices add up in rising order, then
 * fma(total, step, out). Slices depend on the matrix's shape alone: a row's bits do not depend on the tile.
 *
 * weights [units][rows] vec4: 64 columns of a row; column 16g + n in bits 2n, 2n + 1 of component g (code = weight + 1).
 * values [T][units][4][words]: see products.wgsl.ts. sums [T][units]: Σ value, taken off once, for codes are weight + 1.
 * Workgroup: rowLanes · slices threads for rowLanes · TERNARY_ROWS rows; grid: x rows, y tiles. Buffers hold whole tiles.
 */
export function ternaryKernel(variant: Variant, { block, tile, slices, add }: TernaryShape): string {
  const form = productForm(variant)
  const lanes = rowLanes(slices)
  const single = block === 0
  /** Units between two steps of a slice, and weights of how many are asked for while others are at work. */
  const perStep = Math.max(1, block / 64)
  /** Every output row of the thread with every row of its tile. */
  const cells = (write: (k: number, p: number, cell: number) => string) =>
    each(tile, (k) => each(TERNARY_ROWS, (p) => write(k, p, k * TERNARY_ROWS + p)))
  const vectors = form.words / 4
  const load = (n: number, unit: string, assign: string) =>
    each(TERNARY_ROWS, (p) => `${assign}w${n}_${p} = weights[(${unit}) * part.rows + row${p}];`)
  /** A software adapter wins nothing by loads that are on their way, and compiles what is written out slowly. */
  const ahead = !variant.narrow
  const forGroups = (write: (g: string) => string) =>
    ahead ? each(4, (g) => `{ ${write(`${g}u`)} }`) : `for (var g = 0u; g < 4u; g++) { ${write('g')} }`
  /** The products of unit u + n, whose weights are in registers. */
  const unit = (n: number) => `{
      ${cells((_k, _p, cell) => `var unit${cell} = ${form.start};`)}
      ${forGroups(
        (g) => `
        ${each(TERNARY_ROWS, (p) => splitCodes(form, `c${p}`, `w${n}_${p}[${g}]`))}
        ${each(
          tile,
          (k) => `{
        let at = (((first + ${k}u) * part.units + u + ${n}u) * 4u + ${g}) * ${vectors}u;
        ${each(vectors, (v) => `let v${v} = values[at + ${v}u];`)}
        ${each(TERNARY_ROWS, (p) =>
          each(form.words, (j) =>
            form.add(`unit${k * TERNARY_ROWS + p}`, `c${p}_${j}`, `v${j >> 2}.${'xyzw'[j & 3]}`),
          ),
        )}
        }`,
        )}`,
      )}
      ${cells((k, _p, cell) => {
        const sum = `${form.total(`unit${cell}`)} - sums[(first + ${k}u) * part.units + u + ${n}u]`
        return `${single ? 'total' : 'sum'}${cell} += ${sum};`
      })}
      }`
  const scaled = `
      ${each(TERNARY_ROWS, (p) => `let scale${p} = blockScale(u / ${perStep}u, row${p});`)}
      ${cells((_k, p, cell) => `total${cell} = fma(f32(sum${cell}), scale${p}, total${cell});`)}`
  const products = `
      ${single ? '' : cells((_k, _p, cell) => `var sum${cell} = 0;`)}
      ${each(perStep, unit)}
      ${single ? '' : scaled}`
  const loads = (from: string, assign: string) => each(perStep, (n) => load(n, `${from} + ${n}u`, assign))
  const loop = ahead
    ? `
    ${loads('begin', 'var ')}
    for (var u = begin; u < end; u += ${perStep}u) {
      // Asked for before the products of this step, which need not wait for them.
      let next = min(u + ${perStep}u, end - ${perStep}u);
      ${loads('next', 'let next_')}
      ${products}
      ${each(perStep, (n) => each(TERNARY_ROWS, (p) => `w${n}_${p} = next_w${n}_${p};`))}
    }`
    : `
    for (var u = begin; u < end; u += ${perStep}u) {
      ${loads('u', 'let ')}
      ${products}
    }`
  const store = (k: string, row: string, total: string) => {
    const step = `steps[first + ${k}]`
    const factor = single ? `bitcast<f32>(scales[min(${row}, part.rows - 1u)]) * ${step}` : step
    const product = single ? `f32(${total})` : total
    return `if (${row} < part.realRows) {
      let at = (first + ${k}) * part.outStride + part.outOffset + ${row};
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
${partialSums(single ? 'i32' : 'f32', slices, lanes, tile * TERNARY_ROWS)}
@compute @workgroup_size(${lanes * slices})
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
  if (begin < end) {
    ${loop}
  }
  ${addSlices(slices, lanes, { tile, rows: TERNARY_ROWS }, store)}
}`
}

/** What `addSlices` needs. */
export function partialSums(type: 'i32' | 'f32', slices: number, lanes: number, cells: number): string {
  return slices > 1 ? `var<workgroup> partial: array<${type}, ${cells * slices * lanes}>;` : ''
}

/**
 * Adds up `total0` … over the slices in rising order, and stores: `store(k, row, total)` for row k of the tile and the matrix's
 * `row`. Every sum of the workgroup has a thread of its own, as far as there are threads.
 */
export function addSlices(
  slices: number,
  lanes: number,
  { tile, rows }: { readonly tile: number; readonly rows: number },
  store: (k: string, row: string, total: string) => string,
): string {
  const cells = tile * rows
  if (slices === 1) {
    return each(tile, (k) => each(rows, (p) => `{ ${store(`${k}u`, `r${p}`, `total${k * rows + p}`)} }`))
  }
  return `
  ${each(cells, (cell) => `partial[${cell * slices * lanes}u + lane] = total${cell};`)}
  workgroupBarrier();
  for (var n = lane; n < ${cells * lanes}u; n += ${slices * lanes}u) {
    let cell = n / ${lanes}u;
    let start = cell * ${slices * lanes}u + n % ${lanes}u;
    var total = partial[start];
    for (var s = 1u; s < ${slices}u; s++) { total += partial[start + s * ${lanes}u]; }
    let k = cell / ${rows}u;
    let row = (group.x * ${rows}u + cell % ${rows}u) * ${lanes}u + n % ${lanes}u;
    ${store('k', 'row', 'total')}
  }`
}

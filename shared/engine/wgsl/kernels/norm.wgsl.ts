import { enables, largest, sumTree, type Variant } from './lanes.wgsl.ts'
import { passData } from './pass-data.wgsl.ts'
import { type ProductForm, productForm } from './products.wgsl.ts'

export interface NormShape {
  /** `plain`: a row of the input; `picked`: the rows that the pass wants logits of; `gated`: activation(gate) ⊙ up. */
  readonly source: 'plain' | 'picked' | 'gated'
  readonly activation: 'silu' | 'squared-relu'
  /** int8 for ternary products, f32 for float products, or both. */
  readonly quantised: boolean
  readonly floats: boolean
  /** Threads of a workgroup, a power of two; depends on the width alone. */
  readonly lanes: number
}

const ACTIVATION = {
  silu: 'g / (1.0 + exp(min(-g, 80.0)))',
  'squared-relu': 'max(g, 0.0) * max(g, 0.0)',
}

/**
 * y = (x · 1/√(mean(x²) + ε)) · gain for one row, then int8: m = max(1e-5, max|y|), value = round(y · 127/m) half to even,
 * step = m/127.
 *
 * Order of Σ x²: element c in lane c mod lanes, per lane one fma chain with c rising; then the lanes' tree (lanes.wgsl.ts). Everything else is exact or element by element.
 *
 * Workgroup: `lanes` threads; grid: x rows. values, sums, steps: see ternary.wgsl.ts. floats [rows][padded], zero past width.
 */
export function normKernel(variant: Variant, shape: NormShape): string {
  const { source, activation, quantised, floats, lanes } = shape
  const gated = source === 'gated'
  const form = productForm(variant)
  const columns = (body: string) => `
  for (var c = lane; c < norm.width; c += ${lanes}u) { ${body} }`
  return `${enables(variant)}
struct Norm {
  width: u32,
  padded: u32, // to a multiple of 64
  inStride: u32,
  upOffset: u32, // of up, behind gate
  first: u32, // pick
  epsilon: f32,
}
@group(0) @binding(0) var<uniform> norm: Norm;
@group(0) @binding(1) var<storage, ${gated ? 'read_write' : 'read'}> x: array<f32>;
@group(0) @binding(2) var<storage, read> gain: array<f32>;
@group(0) @binding(3) var<storage, read_write> values: array<u32>;
@group(0) @binding(4) var<storage, read_write> sums: array<i32>;
@group(0) @binding(5) var<storage, read_write> steps: array<f32>;
@group(0) @binding(6) var<storage, read_write> floats: array<f32>;
${passData(7)}
${quantised ? form.packing : ''}
${sumTree(lanes)}
${largest(variant, lanes)}
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let row = group.x;
  let base = ${source === 'picked' ? 'pickedRow(norm.first + row)' : 'row'} * norm.inStride;
  var squares = 0.0;
  ${columns(
    gated
      ? `
        let g = x[base + c];
        let value = ${ACTIVATION[activation]} * x[base + norm.upOffset + c];
        x[base + c] = value;
        squares = fma(value, value, squares);`
      : 'let value = x[base + c]; squares = fma(value, value, squares);',
  )}
  ${gated ? 'storageBarrier();' : ''}
  let factor = 1.0 / sqrt(sumOf(squares, lane) / f32(norm.width) + norm.epsilon);
  var most = 1e-5;
  ${columns(`
        let y = x[base + c] * factor * gain[c];
        ${floats ? 'floats[row * norm.padded + c] = y;' : ''}
        most = max(most, abs(y));`)}
  ${floats ? `for (var c = norm.width + lane; c < norm.padded; c += ${lanes}u) { floats[row * norm.padded + c] = 0.0; }` : ''}
  ${quantised ? quantise(form, lanes) : ''}
}`
}

/** Reads x as the workgroup's other lanes wrote it. */
const quantise = ({ words, parts, column }: ProductForm, lanes: number) => `
  let m = largestOf(most, lane);
  let scale = 127.0 / m;
  if (lane == 0u) { steps[row] = m / 127.0; }
  let perRow = norm.padded / 16u * ${words}u;
  for (var n = lane; n < perRow; n += ${lanes}u) {
    var v: array<i32, ${parts}>;
    for (var i = 0u; i < ${parts}u; i++) {
      let c = 16u * (n / ${words}u) + (n % ${words}u) * ${column(1, 0)}u + i * ${column(0, 1)}u;
      if (c < norm.width) {
        let y = x[base + c] * factor * gain[c];
        v[i] = i32(clamp(round(y * scale), -128.0, 127.0));
      }
    }
    values[row * perRow + n] = packed(v);
  }
  storageBarrier();
  for (var u = lane; u < norm.padded / 64u; u += ${lanes}u) {
    var sum = 0;
    for (var n = ${4 * words}u * u; n < ${4 * words}u * (u + 1u); n++) { sum += sumIn(values[row * perRow + n]); }
    sums[row * norm.padded / 64u + u] = sum;
  }`

import { each } from './repeat.ts'

export type DenseType = 'F16' | 'BF16' | 'F32'

export interface DenseShape {
  readonly type: DenseType
  readonly tile: number
  readonly slices: number
  readonly add: boolean
}

/** Columns in one vec4 of packed weights. */
export const denseColumns = (type: DenseType): number => (type === 'F32' ? 4 : 8)

/** WGSL expressions for the weights in the vec4<u32> `w`, columns rising. */
export function denseWeights(type: DenseType, w: string): string[] {
  const components = ['x', 'y', 'z', 'w'].map((c) => `${w}.${c}`)
  if (type === 'F32') return components.map((c) => `bitcast<f32>(${c})`)
  if (type === 'F16') return components.flatMap((c) => [`unpack2x16float(${c}).x`, `unpack2x16float(${c}).y`])
  return components.flatMap((c) => [`bitcast<f32>(${c} << 16u)`, `bitcast<f32>(${c} & 0xffff0000u)`])
}

/**
 * out[t, offset + r] (+)= Σ_c weight[r, c] · x[t, c], all in f32: per slice one fma chain over its columns in rising order,
 * slices added in rising order. Slices depend on the matrix's shape alone: a row's bits do not depend on the tile.
 *
 * weights [units][rows] vec4: 8 (F32: 4) columns of a row. x [T][inStride], zero past the last column.
 * Workgroup and grid as in ternary.wgsl.ts.
 */
export function denseKernel({ type, tile, slices, add }: DenseShape): string {
  const rows = 64 / slices
  const columns = denseColumns(type)
  return `
struct Part {
  rows: u32,
  units: u32, // of ${columns} columns
  sliceUnits: u32,
  outOffset: u32,
  outStride: u32,
  realRows: u32,
  inStride: u32,
}
@group(0) @binding(0) var<uniform> part: Part;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;
${slices > 1 ? `var<workgroup> partial: array<f32, ${64 * tile}>;` : ''}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let r = group.x * ${rows}u + lane % ${rows}u;
  let row = min(r, part.rows - 1u);
  let first = group.y * ${tile}u;
  let slice = lane / ${rows}u;
  let begin = min(slice * part.sliceUnits, part.units);
  let end = min(begin + part.sliceUnits, part.units);
  ${each(tile, (k) => `var total${k} = 0.0;`)}
  for (var u = begin; u < end; u++) {
    let w = weights[u * part.rows + row];
    ${denseWeights(type, 'w')
      .map((weight, i) => `let w${i} = ${weight};`)
      .join('\n')}
    ${each(
      tile,
      (k) => `{
      let at = ((first + ${k}u) * part.inStride) / 4u + u * ${columns / 4}u;
      ${each(
        columns / 4,
        (v) => `let v${v} = x[at + ${v}u];
      ${each(4, (i) => `total${k} = fma(w${4 * v + i}, v${v}.${'xyzw'[i]}, total${k});`)}`,
      )}
    }`,
    )}
  }
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
  ${each(tile, (k) => {
    const at = `(first + ${k}u) * part.outStride + part.outOffset + r`
    return `{ let at = ${at}; result[at] = ${add ? 'result[at] + ' : ''}total${k}; }`
  })}
}`
}

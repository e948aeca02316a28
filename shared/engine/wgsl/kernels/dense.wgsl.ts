import { each } from './repeat.ts'
import { addSlices, partialSums, rowLanes } from './ternary.wgsl.ts'

export type DenseType = 'F16' | 'BF16' | 'F32'

export interface DenseShape {
  readonly type: DenseType
  readonly tile: number
  readonly slices: number
  readonly add: boolean
}

/** Output rows of a thread: activations are read once for them. */
export const DENSE_ROWS = 4

/** Columns in one vec4 of packed weights. */
export const denseColumns = (type: DenseType): number => (type === 'F32' ? 4 : 8)

/** fn unpacked(w: vec4<u32>) -> array<f32, columns>: the weights of a vec4, columns rising. */
export function denseUnpack(type: DenseType): string {
  const components = ['w.x', 'w.y', 'w.z', 'w.w']
  const pairs = (c: string) =>
    type === 'F32'
      ? `bitcast<f32>(${c})`
      : type === 'F16'
        ? `unpack2x16float(${c})`
        : `vec2<f32>(bitcast<f32>(${c} << 16u), bitcast<f32>(${c} & 0xffff0000u))`
  const names = components.map((_, i) => `p${i}`)
  const values = type === 'F32' ? names : names.flatMap((name) => [`${name}.x`, `${name}.y`])
  return `
fn unpacked(w: vec4<u32>) -> array<f32, ${denseColumns(type)}> {
  ${components.map((c, i) => `let ${names[i]} = ${pairs(c)};`).join('\n  ')}
  return array<f32, ${denseColumns(type)}>(${values.join(', ')});
}`
}

/**
 * out[t, offset + r] (+)= Σ_c weight[r, c] · x[t, c], all in f32: per slice one fma chain over its columns in rising order,
 * slices added in rising order. Slices depend on the matrix's shape alone: a row's bits do not depend on the tile.
 *
 * weights [units][rows] vec4: 8 (F32: 4) columns of a row. x [T][inStride], zero past the last column.
 * Workgroup: rowLanes · slices threads for rowLanes · DENSE_ROWS rows; grid: x rows, y tiles. Buffers hold whole tiles.
 */
export function denseKernel({ type, tile, slices, add }: DenseShape): string {
  const lanes = rowLanes(slices)
  const columns = denseColumns(type)
  const cells = (write: (k: number, p: number, cell: number) => string) =>
    each(tile, (k) => each(DENSE_ROWS, (p) => write(k, p, k * DENSE_ROWS + p)))
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
${denseUnpack(type)}
${partialSums('f32', slices, lanes, tile * DENSE_ROWS)}
@compute @workgroup_size(${lanes * slices})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  ${each(
    DENSE_ROWS,
    (p) => `
  let r${p} = (group.x * ${DENSE_ROWS}u + ${p}u) * ${lanes}u + lane % ${lanes}u;
  let row${p} = min(r${p}, part.rows - 1u);`,
  )}
  let first = group.y * ${tile}u;
  let slice = lane / ${lanes}u;
  let begin = min(slice * part.sliceUnits, part.units);
  let end = min(begin + part.sliceUnits, part.units);
  ${cells((_k, _p, cell) => `var total${cell} = 0.0;`)}
  for (var u = begin; u < end; u++) {
    ${each(DENSE_ROWS, (p) => `let w${p} = unpacked(weights[u * part.rows + row${p}]);`)}
    ${each(
      tile,
      (k) => `{
      let at = ((first + ${k}u) * part.inStride) / 4u + u * ${columns / 4}u;
      ${each(columns / 4, (v) => `let v${v} = x[at + ${v}u];`)}
      ${each(DENSE_ROWS, (p) =>
        each(columns, (i) => {
          const total = `total${k * DENSE_ROWS + p}`
          return `${total} = fma(w${p}[${i}], v${i >> 2}.${'xyzw'[i & 3]}, ${total});`
        }),
      )}
    }`,
    )}
  }
  ${addSlices(
    slices,
    lanes,
    { tile, rows: DENSE_ROWS },
    (k, row, total) => `if (${row} < part.realRows) {
    let at = (first + ${k}) * part.outStride + part.outOffset + ${row};
    result[at] = ${add ? 'result[at] + ' : ''}${total};
  }`,
  )}
}`
}

import { type DenseType, denseColumns, denseUnpack } from './dense.wgsl.ts'
import { passData } from './pass-data.wgsl.ts'

/** How a table's part is packed: floats, or 2-bit codes with a scale per row (block 0) or per block of columns. */
export type TableForm = { readonly type: DenseType } | { readonly block: number }

/**
 * x[t] = the table's row of token t, where this part of the table holds it; another part's dispatch writes the others.
 * Exact: a value, or code · scale. Layouts: dense.wgsl.ts, ternary.wgsl.ts. Workgroup: 64 threads; grid: x rows, y columns.
 */
export function embedKernel(form: TableForm): string {
  return `
struct Table { firstToken: u32, rows: u32, realRows: u32, width: u32, stride: u32 }
@group(0) @binding(0) var<uniform> table: Table;
@group(0) @binding(1) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> scales: array<u32>;
@group(0) @binding(3) var<storage, read_write> x: array<f32>;
${passData(4)}
${'type' in form ? denseValue(form.type) : ternaryValue(form.block)}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let token = tokenOf(group.x);
  if (token < table.firstToken || token - table.firstToken >= table.realRows) { return; }
  let row = token - table.firstToken;
  let c = group.y * 64u + lane;
  if (c < table.width) { x[group.x * table.stride + c] = valueAt(row, c); }
}`
}

function denseValue(type: DenseType): string {
  const columns = denseColumns(type)
  return `${denseUnpack(type)}
fn valueAt(row: u32, c: u32) -> f32 {
  let values = unpacked(weights[(c / ${columns}u) * table.rows + row]);
  return values[c % ${columns}u];
}`
}

function ternaryValue(block: number): string {
  const scale =
    block === 0
      ? 'bitcast<f32>(scales[row])'
      : `unpack2x16float(scales[((c / ${block}u) * table.rows + row) >> 1u])[row & 1u]`
  return `
fn valueAt(row: u32, c: u32) -> f32 {
  let word = weights[(c / 64u) * table.rows + row][(c / 16u) % 4u];
  let code = i32((word >> (2u * (c % 16u))) & 3u) - 1;
  return f32(code) * ${scale};
}`
}

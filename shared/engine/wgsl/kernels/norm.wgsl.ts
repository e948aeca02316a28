import { enables, laneSum, largest, RUN_COLUMNS, type Variant } from './lanes.wgsl.ts'
import { passData } from './pass-data.wgsl.ts'
import { productForm } from './products.wgsl.ts'
import { each } from './repeat.ts'

export interface NormShape {
  /** `plain`: a row of the input; `picked`: the rows that the pass wants logits of; `gated`: activation(gate) ⊙ up. */
  readonly source: 'plain' | 'picked' | 'gated'
  readonly activation: 'silu' | 'squared-relu'
  /** int8 for ternary products, f32 for float products, or both. */
  readonly quantised: boolean
  readonly floats: boolean
  readonly width: number
  /** Threads of a workgroup, a power of two; depends on the width alone. */
  readonly lanes: number
}

const ACTIVATION = {
  silu: 'g / (vec4<f32>(1.0) + exp(min(-g, vec4<f32>(80.0))))',
  'squared-relu': 'max(g, vec4<f32>(0.0)) * max(g, vec4<f32>(0.0))',
}

/** Runs of columns that a thread keeps in registers; one that has more reads them anew each time. */
const MOST_HELD = 4

/** Four columns of the run. */
const vectors = (write: (i: number) => string) => each(RUN_COLUMNS / 4, write)

/**
 * y = (x · 1/√(mean(x²) + ε)) · gain for one row, then int8: m = max(1e-5, max|y|), value = round(y · 127/m) half to even,
 * step = m/127.
 *
 * Order of Σ x²: columns 16i … 16i + 15 in lane i mod lanes; per lane four fma chains, by column mod 4, columns rising, added as
 * (0 + 1) + (2 + 3); then the lanes (lanes.wgsl.ts). Everything else is exact or element by element.
 *
 * Workgroup: `lanes` threads; grid: x rows. values, sums, steps: see ternary.wgsl.ts. floats [rows][padded], zero past width.
 */
export function normKernel(variant: Variant, shape: NormShape): string {
  const { source, activation, quantised, floats, width, lanes } = shape
  const units = Math.ceil(width / 64)
  const runs = (units * 64) / RUN_COLUMNS
  const turns = Math.ceil(runs / lanes)
  const held = turns <= MOST_HELD && !variant.narrow
  /** Every run of the thread; names end in `t`. What is not held is made first by `again`. */
  const forRuns = (again: (i: number) => string, body: (t: string) => string) =>
    held
      ? each(turns, (t) => body(`_${t}`))
      : `for (var run = lane; run < ${runs}u; run += ${lanes}u) { ${vectors(again)} ${body('')} }`
  const columnOf = (t: string, i: number) => `${RUN_COLUMNS}u * run${t} + ${4 * i}u`
  const normed = (i: number) =>
    `let v${i} = value(base, ${columnOf('', i)}) * factor * gainAt(${columnOf('', i)});`
  return `${enables(variant)}
struct Norm {
  inStride: u32,
  upOffset: u32, // of up, behind gate
  first: u32, // pick
  epsilon: f32,
}
const WIDTH = ${width}u;
const RUNS = ${runs}u;
@group(0) @binding(0) var<uniform> norm: Norm;
@group(0) @binding(1) var<storage, read> x: array<${width % 4 === 0 ? 'vec4<f32>' : 'f32'}>;
@group(0) @binding(2) var<storage, read> gain: array<${width % 4 === 0 ? 'vec4<f32>' : 'f32'}>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read_write> sums: array<i32>;
@group(0) @binding(5) var<storage, read_write> steps: array<f32>;
@group(0) @binding(6) var<storage, read_write> floats: array<vec4<f32>>;
${passData(7)}
${quantised ? `var<workgroup> runSums: array<i32, ${runs}>;` : ''}
${laneSum(lanes)}
${largest(variant, lanes)}
${width % 4 === 0 ? BY_VECTORS : BY_COLUMNS}
fn value(base: u32, c: u32) -> vec4<f32> {
  let g = inputAt(base, c);
  return ${source === 'gated' ? `${ACTIVATION[activation]} * inputAt(base + norm.upOffset, c)` : 'g'};
}
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let row = group.x;
  let base = ${source === 'picked' ? 'pickedRow(norm.first + row)' : 'row'} * norm.inStride;
  var squares = vec4<f32>(0.0);
  ${
    held
      ? each(
          turns,
          (t) => `let run_${t} = lane + ${t * lanes}u;
  ${vectors((i) => `var v${i}_${t} = value(base, ${columnOf(`_${t}`, i)}); let g${i}_${t} = gainAt(${columnOf(`_${t}`, i)});`)}`,
        )
      : ''
  }
  ${forRuns(
    (i) => `let v${i} = value(base, ${columnOf('', i)});`,
    (t) => vectors((i) => `squares = fma(v${i}${t}, v${i}${t}, squares);`),
  )}
  let sum = sumOf((squares.x + squares.y) + (squares.z + squares.w), lane);
  let factor = 1.0 / sqrt(sum / f32(WIDTH) + norm.epsilon);
  var largest = vec4<f32>(1e-5);
  ${forRuns(normed, (t) =>
    vectors(
      (i) => `
  ${held ? `v${i}${t} = v${i}${t} * factor * g${i}${t};` : ''}
  ${floats ? `if (run${t} < RUNS) { floats[row * (4u * RUNS) + 4u * run${t} + ${i}u] = v${i}${t}; }` : ''}
  largest = max(largest, abs(v${i}${t}));`,
    ),
  )}
  ${
    quantised
      ? `
  let m = largestOf(max(max(largest.x, largest.y), max(largest.z, largest.w)), lane);
  let scale = 127.0 / m;
  if (lane == 0u) { steps[row] = m / 127.0; }
  ${forRuns(normed, (t) => quantise(variant, t))}
  workgroupBarrier();
  for (var u = lane; u < ${units}u; u += ${lanes}u) {
    sums[row * ${units}u + u] = (runSums[4u * u] + runSums[4u * u + 1u]) + (runSums[4u * u + 2u] + runSums[4u * u + 3u]);
  }`
      : ''
  }
}`
}

function quantise(variant: Variant, t: string): string {
  const { packed } = productForm(variant)
  return `if (run${t} < RUNS) {
    ${vectors((i) => `let q${i} = vec4<i32>(clamp(round(v${i}${t} * scale), vec4<f32>(-128.0), vec4<f32>(127.0)));`)}
    let all = (q0 + q1) + (q2 + q3);
    runSums[run${t}] = (all.x + all.y) + (all.z + all.w);
    let at = (row * RUNS + run${t}) * ${packed.length}u;
    ${each(packed.length, (w) => `values[at + ${w}u] = ${packed[w]};`)}
  }`
}

/** fn inputAt(at, c) and gainAt(c) -> vec4<f32>: four columns, zero past the width; no branch, so that many can be on their way. */
const BY_VECTORS = `
fn inputAt(at: u32, c: u32) -> vec4<f32> {
  return select(vec4<f32>(0.0), x[(at + min(c, WIDTH - 4u)) / 4u], c < WIDTH);
}
fn gainAt(c: u32) -> vec4<f32> { return select(vec4<f32>(0.0), gain[min(c, WIDTH - 4u) / 4u], c < WIDTH); }`

const columns = (name: string, from: string) =>
  `vec4<f32>(${[0, 1, 2, 3].map((i) => `select(0.0, ${name}[${from}min(c + ${i}u, WIDTH - 1u)], c + ${i}u < WIDTH)`).join(', ')})`
const BY_COLUMNS = `
fn inputAt(at: u32, c: u32) -> vec4<f32> { return ${columns('x', 'at + ')}; }
fn gainAt(c: u32) -> vec4<f32> { return ${columns('gain', '')}; }`

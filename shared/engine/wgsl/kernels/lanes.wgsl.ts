/** What the shaders may use beyond plain WGSL. */
export interface Variant {
  readonly dot4: boolean
  readonly subgroups: boolean
  /**
   * Few threads a workgroup where threads wait for each other: a software adapter runs them in turns of 4, and leaves and enters
   * each turn at every barrier (measured: attention over 16 rows 10 ms with 64 threads, 1 ms with 8).
   */
  readonly narrow: boolean
}

/** Threads of a narrow workgroup. */
export const NARROW_LANES = 8

/** Columns that a thread of a norm takes at a time. */
export const RUN_COLUMNS = 16

/** Threads for a row of this width: a power of two, a run of columns each where 256 suffice. */
export function lanesFor(variant: Variant, width: number): number {
  if (variant.narrow) return NARROW_LANES
  let lanes = 64
  while (lanes < 256 && lanes * RUN_COLUMNS < width) lanes *= 2
  return lanes
}

/** Must stand before everything else in a module. */
export function enables(variant: Variant): string {
  return variant.subgroups ? 'enable subgroups;\n' : ''
}

/** Lanes whose values one lane adds up at the end of `sumOf`. */
const SUM_GROUPS = 16

/**
 * fn sumOf(value, lane) -> f32 over `lanes` (a power of two) lanes, for all of them. Order: lanes i, i + 16, … rising for every
 * i < 16, then these sums rising; up to 16 lanes rising. Needs uniform control flow; once in a kernel.
 */
export function laneSum(lanes: number): string {
  const direct = lanes <= SUM_GROUPS
  return `
var<workgroup> sumLanes: array<f32, ${lanes}>;
${direct ? '' : `var<workgroup> sumGroups: array<f32, ${SUM_GROUPS}>;`}
fn sumOf(value: f32, lane: u32) -> f32 {
  sumLanes[lane] = value;
  workgroupBarrier();
  ${
    direct
      ? ''
      : `if (lane < ${SUM_GROUPS}u) {
    var group = 0.0;
    for (var i = lane; i < ${lanes}u; i += ${SUM_GROUPS}u) { group = group + sumLanes[i]; }
    sumGroups[lane] = group;
  }
  workgroupBarrier();`
  }
  var sum = 0.0;
  for (var i = 0u; i < ${Math.min(lanes, SUM_GROUPS)}u; i++) { sum = sum + ${direct ? 'sumLanes' : 'sumGroups'}[i]; }
  return sum;
}`
}

/**
 * fn largestOf(value, lane) -> f32 over all lanes of the workgroup, for all of them; exact, so order does not matter and
 * subgroups may be of any size. Values are any finite floats. Needs uniform control flow.
 */
export function largest(variant: Variant, lanes: number): string {
  if (variant.subgroups) {
    // Floats as integers that sort alike, so that one atomic takes the subgroups' maxima.
    return `
var<workgroup> largestKey: atomic<u32>;
fn largestOf(value: f32, lane: u32) -> f32 {
  if (lane == 0u) { atomicStore(&largestKey, 0u); }
  workgroupBarrier();
  let most = subgroupMax(value);
  if (subgroupElect()) {
    let bits = bitcast<u32>(most);
    atomicMax(&largestKey, select(bits | 0x80000000u, ~bits, (bits >> 31u) == 1u));
  }
  workgroupBarrier();
  let key = atomicLoad(&largestKey);
  workgroupBarrier();
  return bitcast<f32>(select(~key, key & 0x7fffffffu, (key >> 31u) == 1u));
}`
  }
  return `
var<workgroup> largestLanes: array<f32, ${lanes}>;
fn largestOf(value: f32, lane: u32) -> f32 {
  largestLanes[lane] = value;
  for (var step = ${lanes / 2}u; step > 0u; step = step >> 1u) {
    workgroupBarrier();
    if (lane < step) { largestLanes[lane] = max(largestLanes[lane], largestLanes[lane + step]); }
  }
  let most = workgroupUniformLoad(&largestLanes[0]);
  return most;
}`
}

import { enables, laneSum, largest, NARROW_LANES, type Variant } from './lanes.wgsl.ts'

/** Most candidates of a row: filters keep few tokens, and a Scout draws among its 64 likeliest. */
export const MAX_CANDIDATES = 64
/** u32 words of a row's result: flags, largest logit, Σ, count, then (id, logit) pairs. */
export const CANDIDATE_WORDS = 4 + 2 * MAX_CANDIDATES
/** A logit is no finite number: the whole row must be looked at. */
export const FLAG_NOT_FINITE = 1
/** Equal logits at the edge: which ids are in is not decided here, the whole row must be looked at. */
export const FLAG_TIED = 2

/**
 * The `count` largest logits of a row [vocabulary] with their ids, in no order, and Σ e^(logit − largest).
 *
 * Radix select over keys that sort as the floats do: four passes of 8 bits, each a histogram of what is still in question,
 * from the most significant byte down; then the last key is exactly the count-th largest. All of that is exact. Order of
 * Σ: lane i takes ids i, i + lanes, … rising, then the lanes (lanes.wgsl.ts). Workgroup: 256 threads (narrow: 8); grid: x rows.
 */
export function candidatesKernel(variant: Variant): string {
  const lanes = variant.narrow ? NARROW_LANES : 256
  return `${enables(variant)}
struct Select { vocabulary: u32, count: u32, first: u32 }
@group(0) @binding(0) var<uniform> wanted: Select;
@group(0) @binding(1) var<storage, read> logits: array<f32>;
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> flags: atomic<u32>;
var<workgroup> taken: atomic<u32>;
var<workgroup> tied: atomic<u32>;
var<workgroup> prefix: u32;
var<workgroup> need: u32;
${laneSum(lanes)}
${largest(variant, lanes)}
fn keyOf(logit: f32) -> u32 {
  let bits = bitcast<u32>(logit);
  let plain = select(bits, 0u, bits == 0x80000000u); // −0 is 0
  return select(plain | 0x80000000u, ~plain, (plain >> 31u) == 1u);
}
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let row = group.x * wanted.vocabulary;
  let result = (wanted.first + group.x) * ${CANDIDATE_WORDS}u;
  if (lane == 0u) { prefix = 0u; need = wanted.count; }
  var most = -3.4e38;
  for (var id = lane; id < wanted.vocabulary; id += ${lanes}u) {
    let logit = logits[row + id];
    if ((bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u) { atomicOr(&flags, ${FLAG_NOT_FINITE}u); }
    else { most = max(most, logit); }
  }
  most = largestOf(most, lane);
  var sum = 0.0;
  for (var id = lane; id < wanted.vocabulary; id += ${lanes}u) { sum = sum + exp(logits[row + id] - most); }
  let total = sumOf(sum, lane);
  for (var shift = 32u; shift > 0u;) {
    shift -= 8u;
    for (var bin = lane; bin < 256u; bin += ${lanes}u) { atomicStore(&histogram[bin], 0u); }
    let head = workgroupUniformLoad(&prefix);
    for (var id = lane; id < wanted.vocabulary; id += ${lanes}u) {
      let key = keyOf(logits[row + id]);
      if (shift == 24u || (key >> ((shift + 8u) & 31u)) == head) { atomicAdd(&histogram[(key >> shift) & 255u], 1u); }
    }
    workgroupBarrier();
    if (lane == 0u) {
      var left = need;
      var bin = 255u;
      loop {
        let here = atomicLoad(&histogram[bin]);
        if (here >= left || bin == 0u) { break; }
        left -= here;
        bin -= 1u;
      }
      need = left;
      prefix = (head << 8u) | bin;
    }
    workgroupBarrier();
  }
  let edge = workgroupUniformLoad(&prefix);
  let ties = workgroupUniformLoad(&need);
  for (var id = lane; id < wanted.vocabulary; id += ${lanes}u) {
    let key = keyOf(logits[row + id]);
    var slot = wanted.count;
    if (key > edge) { slot = atomicAdd(&taken, 1u); }
    if (key == edge) {
      let tie = atomicAdd(&tied, 1u);
      if (tie < ties) { slot = wanted.count - ties + tie; }
    }
    if (slot < wanted.count) {
      found[result + 4u + 2u * slot] = id;
      found[result + 5u + 2u * slot] = bitcast<u32>(logits[row + id]);
    }
  }
  workgroupBarrier();
  if (lane == 0u) {
    found[result] = atomicLoad(&flags) | select(0u, ${FLAG_TIED}u, atomicLoad(&tied) > ties);
    found[result + 1u] = bitcast<u32>(most);
    found[result + 2u] = bitcast<u32>(total);
    found[result + 3u] = wanted.count;
  }
}`
}

import { enables, laneSum, largest, NARROW_LANES, type Variant } from './lanes.wgsl.ts'
import { each } from './repeat.ts'

/** Most candidates of a row: filters keep few tokens, and a Scout draws among its 64 likeliest. */
export const MAX_CANDIDATES = 64
/** u32 words of a row's result: flags, largest logit, Σ, count, then (id, logit) pairs. */
export const CANDIDATE_WORDS = 4 + 2 * MAX_CANDIDATES
/** A logit is no finite number: the whole row must be looked at. */
export const FLAG_NOT_FINITE = 1
/** Equal logits at the edge: which ids are in is not decided here, the whole row must be looked at. */
export const FLAG_TIED = 2

/** Ids of a row that one workgroup looks at first. */
export const SLICE_IDS = 4096

/** `slice`: the largest of 4,096 ids of a row; `join`: the largest of what its slices gave. */
export type CandidateStage = 'slice' | 'join'

/**
 * The `count` largest logits of a row [vocabulary] with their ids, in no order, and Σ e^(logit − largest); first of every
 * slice of the row, then of the slices' results [rows][slices][CANDIDATE_WORDS], where there are several.
 *
 * Radix select over keys that sort as the floats do: four passes of 8 bits, each a histogram of what is still in question,
 * from the most significant byte down; then the last key is exactly the count-th largest. All of that is exact. Order of
 * Σ: lane i takes ids i, i + lanes, … of a slice rising, then the lanes (lanes.wgsl.ts); slices likewise, each · e^(its largest −
 * largest). Workgroup: 256 threads (narrow: 8); grid: x rows, y slices.
 */
export function candidatesKernel(variant: Variant, stage: CandidateStage): string {
  const lanes = variant.narrow ? NARROW_LANES : 256
  const slice = stage === 'slice'
  const held = slice && !variant.narrow
  /** `body` for every item of this thread, with `item` and `logit`. */
  const items = (body: string) =>
    held
      ? each(
          SLICE_IDS / lanes,
          (n) =>
            `if (lane + ${n * lanes}u < length) { let item = lane + ${n * lanes}u; let logit = logit${n}; ${body} }`,
        )
      : `for (var item = lane; item < length; item += ${lanes}u) {
    ${slice ? '' : `if (item % ${MAX_CANDIDATES}u >= input[recordAt(item) + 3u]) { continue; }`}
    let logit = bitcast<f32>(input[${slice ? 'start + item' : `recordAt(item) + 5u + 2u * (item % ${MAX_CANDIDATES}u)`}]);
    ${body}
  }`
  const perRecord = (body: string) =>
    `for (var n = lane; n < wanted.slices; n += ${lanes}u) { let record = start + n * ${CANDIDATE_WORDS}u; ${body} }`
  return `${enables(variant)}
struct Select { vocabulary: u32, count: u32, first: u32, slices: u32 }
@group(0) @binding(0) var<uniform> wanted: Select;
@group(0) @binding(1) var<storage, read> input: array<u32>; // logits, or the slices' results
@group(0) @binding(2) var<storage, read_write> found: array<u32>;
var<workgroup> histogram: array<atomic<u32>, 256>;
var<workgroup> sixteens: array<u32, 16>; // of the histogram
var<workgroup> flags: atomic<u32>;
var<workgroup> taken: atomic<u32>;
var<workgroup> tied: atomic<u32>;
var<workgroup> prefix: u32;
var<workgroup> need: u32;
var<private> start: u32;
${laneSum(lanes)}
${largest(variant, lanes)}
fn keyOf(logit: f32) -> u32 {
  let bits = bitcast<u32>(logit);
  let plain = select(bits, 0u, bits == 0x80000000u); // −0 is 0
  return select(plain | 0x80000000u, ~plain, (plain >> 31u) == 1u);
}
fn recordAt(item: u32) -> u32 { return start + (item / ${MAX_CANDIDATES}u) * ${CANDIDATE_WORDS}u; }
@compute @workgroup_size(${lanes})
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3<u32>) {
  ${
    slice
      ? `let begin = group.y * ${SLICE_IDS}u;
  let length = min(wanted.vocabulary - begin, ${SLICE_IDS}u);
  let count = min(wanted.count, length);
  start = group.x * wanted.vocabulary + begin;
  let result = ((wanted.first + group.x) * wanted.slices + group.y) * ${CANDIDATE_WORDS}u;
  ${held ? each(SLICE_IDS / lanes, (n) => `let logit${n} = bitcast<f32>(input[start + min(lane + ${n * lanes}u, length - 1u)]);`) : ''}`
      : `let length = wanted.slices * ${MAX_CANDIDATES}u;
  let count = wanted.count;
  start = group.x * wanted.slices * ${CANDIDATE_WORDS}u;
  let result = (wanted.first + group.x) * ${CANDIDATE_WORDS}u;`
  }
  if (lane == 0u) { prefix = 0u; need = count; }
  var most = -3.4e38;
  ${
    slice
      ? items(`
    if ((bitcast<u32>(logit) & 0x7f800000u) == 0x7f800000u) { atomicOr(&flags, ${FLAG_NOT_FINITE}u); }
    else { most = max(most, logit); }`)
      : perRecord(`
    atomicOr(&flags, input[record] & ${FLAG_NOT_FINITE}u);
    most = max(most, bitcast<f32>(input[record + 1u]));`)
  }
  most = largestOf(most, lane);
  var sum = 0.0;
  ${
    slice
      ? items('sum = sum + exp(logit - most);')
      : perRecord(
          'sum = fma(bitcast<f32>(input[record + 2u]), exp(bitcast<f32>(input[record + 1u]) - most), sum);',
        )
  }
  let total = sumOf(sum, lane);
  for (var shift = 32u; shift > 0u;) {
    shift -= 8u;
    for (var bin = lane; bin < 256u; bin += ${lanes}u) { atomicStore(&histogram[bin], 0u); }
    let head = workgroupUniformLoad(&prefix);
    ${items(`
      let key = keyOf(logit);
      if (shift == 24u || (key >> ((shift + 8u) & 31u)) == head) { atomicAdd(&histogram[(key >> shift) & 255u], 1u); }`)}
    workgroupBarrier();
    for (var n = lane; n < 16u; n += ${lanes}u) {
      var all = 0u;
      for (var bin = 16u * n; bin < 16u * n + 16u; bin++) { all += atomicLoad(&histogram[bin]); }
      sixteens[n] = all;
    }
    workgroupBarrier();
    if (lane == 0u) {
      var left = need;
      var sixteen = 15u;
      loop {
        let here = sixteens[sixteen];
        if (here >= left || sixteen == 0u) { break; }
        left -= here;
        sixteen -= 1u;
      }
      var bin = 16u * sixteen + 15u;
      loop {
        let here = atomicLoad(&histogram[bin]);
        if (here >= left || bin == 16u * sixteen) { break; }
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
  ${items(`
    let key = keyOf(logit);
    var slot = count;
    if (key > edge) { slot = atomicAdd(&taken, 1u); }
    if (key == edge) {
      let tie = atomicAdd(&tied, 1u);
      if (tie < ties) { slot = count - ties + tie; }
    }
    if (slot < count) {
      found[result + 4u + 2u * slot] = ${slice ? 'begin + item' : `input[recordAt(item) + 4u + 2u * (item % ${MAX_CANDIDATES}u)]`};
      found[result + 5u + 2u * slot] = bitcast<u32>(logit);
    }`)}
  ${
    slice
      ? ''
      : `// A slice that left out equal logits has one of them in its last slot: here they are equal at the edge too, or too small.
  ${perRecord(`
    let last = keyOf(bitcast<f32>(input[record + 3u + 2u * input[record + 3u]]));
    if ((input[record] & ${FLAG_TIED}u) != 0u && last >= edge) { atomicAdd(&tied, ties + 1u); }`)}`
  }
  workgroupBarrier();
  if (lane == 0u) {
    found[result] = atomicLoad(&flags) | select(0u, ${FLAG_TIED}u, atomicLoad(&tied) > ties);
    found[result + 1u] = bitcast<u32>(most);
    found[result + 2u] = bitcast<u32>(total);
    found[result + 3u] = count;
  }
}`
}

/**
 * What differs from pass to pass, in one buffer of u32 (written by pass-data.ts):
 *   header  [4]: where the rotations, the picked rows begin
 *   rows    [T][4]: token, position, where the row's block table begins, 0
 *   rotations [T][C] f32: cos of the C/2 pairs, then sin
 *   tables  the KV blocks of every sequence of the pass, by position / 64
 *   picks   rows whose logits are wanted
 */
export function passData(binding: number): string {
  return `
@group(0) @binding(${binding}) var<storage, read> pass_: array<u32>;
fn tokenOf(row: u32) -> u32 { return pass_[4u + 4u * row]; }
fn positionOf(row: u32) -> u32 { return pass_[5u + 4u * row]; }
fn blockOf(row: u32, index: u32) -> u32 { return pass_[pass_[6u + 4u * row] + index]; }
fn pickedRow(index: u32) -> u32 { return pass_[pass_[1] + index]; }
fn rotation(row: u32, index: u32, width: u32) -> f32 { return bitcast<f32>(pass_[pass_[0] + row * width + index]); }`
}

/**
 * fn rotated(row, start, i) -> f32: dimension i of a head of `headDim` that begins at `start` of its row of `qkv`, turned by the row's
 * position over the pairs (i, i + C/2), within binary16's range.
 */
export function rotary(headDim: number): string {
  return `
const HALF = ${headDim / 2}u;
fn rotated(row: u32, start: u32, i: u32) -> f32 {
  let pair = i % HALF;
  let c = rotation(row, pair, 2u * HALF);
  let s = rotation(row, pair + HALF, 2u * HALF);
  let a = qkv[start + pair];
  let b = qkv[start + pair + HALF];
  let turned = select(fma(b, c, a * s), fma(a, c, -(b * s)), i < HALF);
  return clamp(turned, -65504.0, 65504.0);
}`
}

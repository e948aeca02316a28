/**
 * fn halves(pair) -> u32: two floats as binary16, the first in the low half, each rounded to the nearest, ties to even; too large
 * becomes infinite, as in float16.ts.
 *
 * In integers, for WGSL leaves pack2x16float's rounding open, and a compiler may take unpack2x16float(pack2x16float(x)) for x.
 */
export const HALVES = `
fn halves(pair: vec2<f32>) -> u32 {
  let bits = bitcast<vec2<u32>>(pair);
  let magnitude = bits & vec2<u32>(0x7fffffffu);
  let even = (magnitude >> vec2<u32>(13u)) & vec2<u32>(1u);
  let normal = (magnitude + vec2<u32>(0xfffu) + even - vec2<u32>(112u << 23u)) >> vec2<u32>(13u);
  // Below 2^-14 a half counts 2^-24: the significand, shifted by how far the exponent is off; nothing is left after 26.
  let significand = (magnitude & vec2<u32>(0x7fffffu)) | vec2<u32>(0x800000u);
  let shift = min(vec2<u32>(126u) - min(magnitude >> vec2<u32>(23u), vec2<u32>(112u)), vec2<u32>(26u));
  let odd = (significand >> shift) & vec2<u32>(1u);
  let small = (significand + (vec2<u32>(1u) << (shift - vec2<u32>(1u))) - vec2<u32>(1u) + odd) >> shift;
  let rounded = select(min(normal, vec2<u32>(0x7c00u)), small, magnitude < vec2<u32>(0x38800000u));
  let half = rounded | ((bits >> vec2<u32>(16u)) & vec2<u32>(0x8000u));
  return half.x | (half.y << 16u);
}`

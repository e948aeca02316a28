/**
 * How the native engine is to keep ternary weights: in two bits, or in 1.6 at about three times the instructions. `auto`: the
 * latter where the former would take more than three quarters of the memory that this process may use.
 */
export const WEIGHT_PACKINGS = ['auto', '2-bit', '1.6-bit'] as const
export type PackingWish = (typeof WEIGHT_PACKINGS)[number]
export type WeightPacking = Exclude<PackingWish, 'auto'>

const MOST_IN_TWO_BITS = 3 / 4

/** The one place that decides it: what a model needs is reckoned with it, and the engine is told. */
export function choosePacking(
  wish: PackingWish,
  { twoBitBytes }: { readonly twoBitBytes: number },
  machineBytes: number,
): WeightPacking {
  if (wish !== 'auto') return wish
  return twoBitBytes > machineBytes * MOST_IN_TWO_BITS ? '1.6-bit' : '2-bit'
}

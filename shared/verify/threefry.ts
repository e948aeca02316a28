/** Rotation distances of Threefry-2x32, one per round, repeating every eight (Salmon et al., SC'11, table 3). */
const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const
const ROUNDS = 20
/** Skein's key-schedule parity word, 32 bits. */
const PARITY = 0x1bd11bda

/**
 * Threefry-2x32 with 20 rounds, the counter-based generator of Random123 (Salmon, Moraes, Dror, Shaw,
 * "Parallel random numbers: as easy as 1, 2, 3", SC'11). All words are unsigned 32-bit integers.
 * Writes the two output words to `out`.
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  out: Uint32Array,
): void {
  const key = [key0, key1, PARITY ^ key0 ^ key1]
  let x0 = (counter0 + key0) | 0
  let x1 = (counter1 + key1) | 0
  for (let round = 0; round < ROUNDS; round++) {
    const distance = ROTATIONS[round & 7]!
    x0 = (x0 + x1) | 0
    x1 = ((x1 << distance) | (x1 >>> (32 - distance))) ^ x0
    if ((round & 3) === 3) {
      const injection = (round + 1) >> 2
      x0 = (x0 + key[injection % 3]!) | 0
      x1 = (x1 + key[(injection + 1) % 3]! + injection) | 0
    }
  }
  out[0] = x0
  out[1] = x1
}

import { describe, expect, it } from 'vitest'
import { choosePacking } from '../../../native-host/engine/weight-packing.ts'

const GB = 1e9
/** A 70B in two bits. */
const large = { twoBitBytes: 17.5 * GB }

describe('the packing of ternary weights', () => {
  it('is 1.6 bits where two would take more than three quarters of what this process may use', () => {
    expect(choosePacking('auto', large, 16 * GB)).toBe('1.6-bit')
    expect(choosePacking('auto', large, 23 * GB)).toBe('1.6-bit')
    expect(choosePacking('auto', large, 24 * GB)).toBe('2-bit')
    expect(choosePacking('auto', { twoBitBytes: 12 * GB }, 16 * GB)).toBe('2-bit')
  })

  it('is what was asked for', () => {
    expect(choosePacking('2-bit', large, 16 * GB)).toBe('2-bit')
    expect(choosePacking('1.6-bit', { twoBitBytes: 0 }, 64 * GB)).toBe('1.6-bit')
  })
})

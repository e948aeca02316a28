import { describe, expect, it } from 'vitest'
import { windowFor } from '../../../native-host/scheduler/window.ts'

describe('the window that a worker is granted', () => {
  const near = { turnMs: 10, stepMs: 5, alpha: 0.9 }

  it('is the default where nothing is known, and where a worker is near', () => {
    expect(windowFor({ ...near, turnMs: null }, 64)).toBe(16)
    expect(windowFor({ ...near, stepMs: null }, 64)).toBe(16)
    expect(windowFor(near, 64)).toBe(18)
  })

  it('covers what is on its way, as far as it is worth it and the setting allows', () => {
    const far = { ...near, turnMs: 100 }
    expect(windowFor(far, 64)).toBe(36)
    expect(windowFor({ ...far, alpha: 0.8 }, 64)).toBe(21)
    expect(windowFor({ ...far, alpha: 0.5 }, 64)).toBe(7)
    expect(windowFor({ ...far, alpha: 0.1 }, 64)).toBe(4)
    expect(windowFor(far, 24)).toBe(24)
    expect(windowFor(far, 4)).toBe(4)
  })
})

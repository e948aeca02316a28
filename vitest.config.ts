import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    passWithNoTests: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two cores are what a small machine has; suites start real processes of their own.
    maxWorkers: 2,
  },
})

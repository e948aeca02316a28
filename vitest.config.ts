import { defineConfig } from 'vitest/config'

/** Suites that start real processes run one file at a time: two cores are what a small machine has. */
const processes = { fileParallelism: false, testTimeout: 300_000, hookTimeout: 300_000 }

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.{ts,tsx}'], testTimeout: 120_000 } },
      {
        test: {
          name: 'contract',
          include: ['test/contract/**/*.test.ts', 'test/fuzz/**/*.test.ts'],
          testTimeout: 300_000,
        },
      },
      { test: { name: 'integration', include: ['test/integration/**/*.test.ts'], ...processes } },
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], ...processes } },
    ],
  },
})

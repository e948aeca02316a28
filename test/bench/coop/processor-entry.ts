// Computes for as long as its parent says: one pass of a draft model. Steps that are asked for while one runs share the
// next, as sequences do in a draft model's engine.
import type { Step } from './processor.ts'

let steps: Step[] = []

process.on('message', (step: Step) => {
  if (steps.push(step) === 1) setImmediate(pass)
})
process.on('disconnect', () => process.exit(0))

function pass(): void {
  const taken = steps
  steps = []
  compute(Math.max(...taken.map(({ ms }) => ms)))
  process.send!(taken.map(({ id }) => id))
}

/** Uses so much of the processor's time, however long that takes beside others. */
function compute(ms: number): void {
  const started = process.cpuUsage()
  for (;;) {
    const { user, system } = process.cpuUsage(started)
    if (user + system >= 1000 * ms) return
  }
}

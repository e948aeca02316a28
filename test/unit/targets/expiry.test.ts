import { expect, it } from 'vitest'
import { Expiry } from '../../../native-host/targets/expiry.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const MONTH = 30 * 24 * 3600_000

function expiry(ms: number) {
  const clock = new VirtualClock()
  let expired = 0
  const made = new Expiry(clock, ms, () => expired++)
  const pass = (time: number) => clock.run(clock.sleep(time), Number.POSITIVE_INFINITY)
  return { made, pass, expired: () => expired }
}

it('comes once, when its time is over', async () => {
  const { made, pass, expired } = expiry(1000)
  await pass(999)
  expect([made.leftMs, expired()]).toEqual([1, 0])
  await pass(2)
  expect([made.leftMs, expired()]).toEqual([0, 1])
  await pass(5000)
  expect(expired()).toBe(1)
})

it('comes after longer than a timer holds', async () => {
  const { pass, expired } = expiry(MONTH)
  await pass(MONTH - 1)
  expect(expired()).toBe(0)
  await pass(2)
  expect(expired()).toBe(1)
})

it('does not come once it is called off', async () => {
  const { made, pass, expired } = expiry(1000)
  await pass(999)
  made.callOff()
  await pass(5000)
  expect(expired()).toBe(0)
})

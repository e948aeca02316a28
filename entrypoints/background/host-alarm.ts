import { browser } from 'wxt/browser'

/** Name of the alarm. */
const HOST = 'host'
/** The shortest period that Chromium allows. */
const PERIOD_MINUTES = 0.5

/**
 * Wakes the background where it was ended though its port to the native host was open: the browser keeps it for the port's
 * sake, but not when memory is short, its process crashes or somebody stops it; and then nobody would hear of the local
 * Oracle. The alarm outlives the background.
 */
export class HostAlarm {
  /** null: another life of the background may have set it. */
  #isSet: boolean | null = null

  constructor(onAlarm: () => void) {
    browser.alarms.onAlarm.addListener(({ name }) => {
      if (name === HOST) onAlarm()
    })
  }

  set(on: boolean): void {
    if (on === this.#isSet) return
    this.#isSet = on
    if (on) void browser.alarms.create(HOST, { periodInMinutes: PERIOD_MINUTES })
    else void browser.alarms.clear(HOST)
  }
}

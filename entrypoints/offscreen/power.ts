/** What the Battery Status API says, where there is one. */
interface Battery extends EventTarget {
  readonly charging: boolean
}

/** Whether the computer runs on its battery; calls back when that changes. Where nobody can tell, it does not. */
export async function watchPower(onChange: (onBattery: boolean) => void): Promise<boolean> {
  const source = (navigator as Navigator & { getBattery?: () => Promise<Battery> }).getBattery
  if (!source) return false
  try {
    const battery = await source.call(navigator)
    battery.addEventListener('chargingchange', () => onChange(!battery.charging))
    return !battery.charging
  } catch {
    return false
  }
}

import { settingsFile } from '../settings/home.ts'
import { loadSettings } from '../settings/load.ts'
import { settingRows, settingsTable } from '../settings/table.ts'

/** `shard settings`: every setting, its value and its source. */
export async function settings(
  options: { readonly json?: boolean },
  flags: ReadonlyMap<string, string>,
): Promise<void> {
  const loaded = loadSettings({ env: process.env, flags })
  if (options.json) {
    process.stdout.write(`${JSON.stringify(settingRows(loaded), null, 2)}\n`)
    return
  }
  process.stdout.write(settingsTable(loaded))
  process.stdout.write(
    `\nFile: ${settingsFile(loaded.home)}. Environment: engine.pace_ms is SHARD_ENGINE_PACE_MS.\n`,
  )
}

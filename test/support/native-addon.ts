import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { loadNativeAddon, type NativeAddon } from '../../native-host/engine/native-addon.ts'

const root = join(import.meta.dirname, '..', '..')

/**
 * The addon, brought up to date with its sources first (a second's work when nothing changed), so that no test passes on
 * an old build. A machine without a compiler fails here: the native engine's tests have nothing to run on.
 * SHARD_TEST_NATIVE_ADDON names another build, which is taken as it is (`npm run test:vnni`).
 */
export function builtAddon(): NativeAddon {
  const given = process.env.SHARD_TEST_NATIVE_ADDON
  if (given) return loadNativeAddon(() => given)
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'native', 'build.mjs')], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`native/build.mjs ended with ${status}: ${stderr}`)
  return loadNativeAddon()
}

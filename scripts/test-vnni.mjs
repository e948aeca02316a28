// `npm run test:vnni`: the native engine's tests over the kernels for AMX and for VNNI, with AVX-512 and without, on a processor
// that has AVX2 only, which computes their intrinsics (native/emulated-vnni). Results are checked, speed is not shown.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { mustHaveKernels, nativeSuite } from './native-suite.mjs'
import { ensureInstalled, fail, must, pinnedNode, root } from './toolchain.mjs'

ensureInstalled('all')
const node = pinnedNode()
must(node, [join(root, 'native', 'build.mjs'), '--emulate-vnni'])
const addon = join(root, 'build', 'native-vnni', 'shard-engine.node')
const { status } = spawnSync(node, ['-e', mustHaveKernels(addon, 'amx', 'avx512vnni', 'avxvnni')], {
  stdio: 'inherit',
})
if (status !== 0)
  fail(
    'the build with emulated VNNI does not offer its kernels: does this processor have AVX2, FMA and F16C?',
  )
must(node, [...nativeSuite(), ...process.argv.slice(2)], {
  env: { ...process.env, SHARD_TEST_NATIVE_ADDON: addon },
})

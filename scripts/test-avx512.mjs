// `npm run test:avx512`: the native engine's tests over the AVX-512 kernels, on a processor that has AVX2 only. SIMDe computes
// their intrinsics (native/emulated-avx512). Results are checked, speed is not shown.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { mustHaveKernels, nativeSuite } from './native-suite.mjs'
import { ensureInstalled, fail, must, pinnedNode, root } from './toolchain.mjs'

ensureInstalled('all')
const node = pinnedNode()
must(node, [join(root, 'native', 'build.mjs'), '--emulate-avx512'])
const addon = join(root, 'build', 'native-avx512', 'shard-engine.node')
const { status } = spawnSync(node, ['-e', mustHaveKernels(addon, 'avx512vnni')], { stdio: 'inherit' })
if (status !== 0)
  fail(
    'the build with emulated AVX-512 does not offer its kernels: does this processor have AVX2, FMA and F16C?',
  )
must(node, [...nativeSuite(), ...process.argv.slice(2)], {
  env: { ...process.env, SHARD_TEST_NATIVE_ADDON: addon },
})

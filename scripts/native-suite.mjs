// The tests of the native engine against a build other than this machine's own: what `npm run test:vnni` and
// `npm run test:arm64` share.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fail, root } from './toolchain.mjs'

/** The suites that take any build (test/support/native-addon.ts): contract, bits, references, hostile files, verification. */
const FILES = [
  'native-contract',
  'native-bits',
  'native-reference',
  'native-verify',
  'native-hostile',
  'architectures',
  'load-engine',
].map((name) => `test/contract/${name}.test.ts`)

/** Vitest's arguments, the program first. A file that is gone fails here: vitest only runs fewer. */
export function nativeSuite() {
  for (const file of FILES)
    if (!existsSync(join(root, file))) fail(`${file} is missing: correct ${import.meta.filename}`)
  return [join(root, 'node_modules', 'vitest', 'vitest.mjs'), 'run', '--project', 'contract', ...FILES]
}

/** JavaScript that exits with 1 unless the addon has these kernel sets: without one the suite would test the others alone. */
export function mustHaveKernels(addon, ...names) {
  return `
    const module = { exports: {} }
    process.dlopen(module, ${JSON.stringify(addon)})
    const kernels = module.exports.kernels()
    console.error('shard: kernel sets under test: ' + kernels.join(', '))
    if (!${JSON.stringify(names)}.every((name) => kernels.includes(name))) process.exit(1)
  `
}

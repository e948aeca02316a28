// Bundles native-host/main.ts into dist/shard.js and, beside it, what each verb loads when it is used: starting the
// engine's process or `shard run` must not wait for libp2p. Packages stay in node_modules. The bridge, which browsers
// start, is one file of its own, dist/bridge.js, with the little that it needs of packages inside.
import { readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { root } from './toolchain.mjs'

/** @type {import('esbuild').BuildOptions} */
const common = {
  outdir: join(root, 'dist'),
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  sourcemap: true,
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
}
const { metafile } = await build({
  ...common,
  entryPoints: [join(root, 'native-host', 'main.ts')],
  entryNames: 'shard',
  chunkNames: 'host/[name]-[hash]',
  splitting: true,
  packages: 'external',
  metafile: true,
})
/** Zod brings its messages in fifty languages; ours are in one. */
const oneLanguage = {
  name: 'one-language',
  setup({ onLoad }) {
    onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js'",
    }))
  },
}
const bridge = await build({
  ...common,
  plugins: [oneLanguage],
  entryPoints: [join(root, 'native-host', 'bridge', 'main.ts')],
  entryNames: 'bridge',
  minify: true,
  metafile: true,
})
const heavy = Object.keys(bridge.metafile.inputs).filter((path) =>
  /node_modules\/(?!zod\/|env-paths\/|is-safe-filename\/)/.test(path),
)
if (heavy.length > 0) throw new Error(`the bridge must start at once and bundles ${heavy.join(', ')}`)

// Chunks of earlier builds.
const made = new Set(Object.keys(metafile.outputs).map((path) => basename(path)))
const folder = join(root, 'dist', 'host')
for (const name of readdirSync(folder)) if (!made.has(name)) rmSync(join(folder, name))

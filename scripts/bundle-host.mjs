// Bundles native-host/main.ts into dist/shard.js and, beside it, what each verb loads when it is used: starting the
// engine's process or `shard run` must not wait for libp2p. Packages stay in node_modules.
import { readdirSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import { root } from './toolchain.mjs'

const { metafile } = await build({
  entryPoints: [join(root, 'native-host', 'main.ts')],
  outdir: join(root, 'dist'),
  entryNames: 'shard',
  chunkNames: 'host/[name]-[hash]',
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  packages: 'external',
  sourcemap: true,
  metafile: true,
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
})

// Chunks of earlier builds.
const made = new Set(Object.keys(metafile.outputs).map((path) => basename(path)))
const folder = join(root, 'dist', 'host')
for (const name of readdirSync(folder)) if (!made.has(name)) rmSync(join(folder, name))

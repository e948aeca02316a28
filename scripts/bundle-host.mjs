// Bundles native-host/main.ts into dist/shard.js; packages stay in node_modules.
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './toolchain.mjs'

await build({
  entryPoints: [join(root, 'native-host', 'main.ts')],
  outfile: join(root, 'dist', 'shard.js'),
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'esm',
  packages: 'external',
  sourcemap: true,
  banner: { js: '#!/usr/bin/env node' },
  logLevel: 'warning',
})

import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
const DRAFTERS = fileURLToPath(new URL('replayed-drafters-entry.ts', import.meta.url))

/**
 * Bundles the product's own program with one module exchanged: the one that starts local drafters. What they draft with
 * replays; all else, `LocalWorker` among it, is what everybody runs. Returns the script's path.
 */
export async function buildOracle(): Promise<string> {
  const outfile = join(ROOT, 'build', 'bench', 'oracle', 'shard.js')
  await build({
    ...{ entryPoints: [join(ROOT, 'native-host', 'main.ts')], outfile },
    ...{ bundle: true, platform: 'node', target: 'node22', format: 'esm', packages: 'external' },
    logLevel: 'warning',
    plugins: [
      {
        name: 'replayed-drafters',
        setup({ onLoad }) {
          onLoad({ filter: /native-host[\\/]daemon[\\/]local-drafters\.ts$/ }, () => ({
            contents: `export { startLocalDrafters } from ${JSON.stringify(DRAFTERS)}`,
            loader: 'ts',
            resolveDir: ROOT,
          }))
        },
      },
    ],
  })
  return outfile
}

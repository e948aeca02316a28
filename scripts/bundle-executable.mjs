// Bundles native-host/main.ts with all packages into one CommonJS script, which is what a single executable can run.
import { join } from 'node:path'
import { build } from 'esbuild'
import { root } from './toolchain.mjs'

/** Native addons of packages: the module that looks for the file on disk, and the asset that it gets instead. */
const ADDON_LOADERS = [
  {
    loader: /node-datachannel[/\\]dist[/\\]esm[/\\]lib[/\\]node-datachannel\.mjs$/,
    asset: 'node_datachannel.node',
  },
]

const addonsFromAssets = {
  name: 'addons-from-assets',
  setup({ onLoad, onEnd }) {
    const missing = new Set(ADDON_LOADERS.map(({ asset }) => asset))
    for (const { loader, asset } of ADDON_LOADERS)
      onLoad({ filter: loader }, () => {
        missing.delete(asset)
        return {
          resolveDir: join(root, 'native-host', 'packaged'),
          contents: `import { assets } from './assets.ts'
            import { loadAddon } from './load-addon.ts'
            export default loadAddon(assets.path('${asset}'))`,
        }
      })
    // A package that loads its addon elsewhere since an update would fail on the user's machine, and only there.
    onEnd(() => ({
      errors: [...missing].map((asset) => ({ text: `no module was found that loads ${asset}` })),
    }))
  },
}

/**
 * @param {string} outfile
 * @returns {Promise<string[]>} every file that went in, relative to the root
 */
export async function bundleExecutable(outfile) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [join(root, 'native-host', 'main.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node22',
    format: 'cjs',
    // ws takes these two where they are installed, and goes on without.
    external: ['bufferutil', 'utf-8-validate'],
    // Lines and names stay, so that a user's stack trace says something.
    minifySyntax: true,
    legalComments: 'none',
    define: {
      'import.meta.url': '__moduleUrl',
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    banner: { js: "const __moduleUrl = require('node:url').pathToFileURL(__filename).href;" },
    plugins: [addonsFromAssets],
    metafile: true,
    logLevel: 'warning',
  })
  return Object.keys(metafile.inputs)
}

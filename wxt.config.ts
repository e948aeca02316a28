import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'wxt'
// @ts-expect-error: a script, without types
import { bundleNotices } from './scripts/third-party.mjs'
import { EXTENSION_KEY, FIREFOX_ADDON_ID } from './shared/extension/identity.ts'

/**
 * Nothing is loaded from outside, nothing inline; connections go to Oracles (WebSocket; WebRTC is under no policy) and to
 * the local Oracle's API. docs/extension.md justifies each permission.
 */
const policy = (development: boolean) => [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  // The development server puts styles into pages as it changes them.
  `style-src 'self'${development ? " 'unsafe-inline'" : ''}`,
  "img-src 'self' data:",
  `connect-src 'self' ws: wss: http://127.0.0.1:*${development ? ' http://localhost:*' : ''}`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "object-src 'none'",
]

/** Files of other packages that the bundles took in, for their notices. */
const bundled = new Set<string>()
const collectBundled = (): Plugin => ({
  name: 'collect-bundled',
  generateBundle(_options, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type === 'chunk') for (const id of chunk.moduleIds) bundled.add(id)
    }
  },
})

export default defineConfig({
  modules: ['@wxt-dev/webextension-polyfill'],
  outDir: 'build/extension',
  imports: false,
  // Which browser to load it into is the developer's choice; the command says where it lies.
  webExt: { disabled: true },
  manifestVersion: 3,
  vite: () => ({
    plugins: [react(), collectBundled()],
    worker: { plugins: () => [collectBundled()] },
    // libp2p is one chunk of 640 kB, read from disk.
    build: { target: 'es2022', assetsInlineLimit: 0, chunkSizeWarningLimit: 1_000 },
  }),
  manifest: ({ browser, command }) => ({
    name: 'Shard Scout',
    description:
      'Draft tokens for 1.58-bit language models with this computer, and chat with the Oracle they help.',
    permissions: ['storage', 'nativeMessaging', 'alarms', ...(browser === 'firefox' ? [] : ['offscreen'])],
    host_permissions: ['http://127.0.0.1/*'],
    content_security_policy: { extension_pages: policy(command === 'serve').join('; ') },
    ...(browser === 'firefox'
      ? {
          browser_specific_settings: {
            gecko: {
              id: FIREFOX_ADDON_ID,
              // The first that shows what data an extension collects.
              strict_min_version: '140.0',
              // Nothing goes to us; prompts go to the Oracles that the user lists, and to nobody else.
              data_collection_permissions: { required: ['none'] },
            },
          },
        }
      : { key: EXTENSION_KEY, minimum_chrome_version: '124' }),
  }),
  zip: {
    name: 'shard-scout',
    artifactTemplate: '{{name}}-{{version}}-{{browser}}.zip',
    // Firefox's reviewers build the extension from these sources: it needs nothing of the host and the tests.
    excludeSources: [
      '{build,dist,docs,native,native-host,test,.github,.ci,models/train}/**',
      'models/embedded/{target.gguf,validation.json,tokenizer.json}',
    ],
  },
  hooks: {
    // The embedded draft model is a part of the package.
    'build:publicAssets': (wxt, files) => {
      files.push({
        absoluteSrc: `${wxt.config.root}/models/embedded/draft.gguf`,
        relativeDest: 'models/draft.gguf',
      })
    },
    'build:done': (wxt) => {
      const files = [...bundled]
        .filter((id) => id.startsWith(wxt.config.root))
        .map((id) => relative(wxt.config.root, id))
      writeFileSync(join(wxt.config.outDir, 'THIRD-PARTY.txt'), bundleNotices(files))
    },
  },
})

import { globSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))

interface Edge {
  readonly from: string
  readonly to: string
}

/** A worker, asked for as `./it.ts?worker`, is a program of its own, and an entry point here like every file. */
const workers: Plugin = {
  name: 'workers',
  setup({ onResolve }) {
    onResolve({ filter: /\?worker$/ }, ({ path }) => ({ path, external: true }))
  },
}

/** Type imports, which a bundler drops: their relative paths, resolved. */
function typeImports(path: string): Edge[] {
  const text = readFileSync(join(root, path), 'utf8')
  return [...text.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, to]) => ({
    from: path,
    to: join(path, '..', to!),
  }))
}

/** Every import of our own sources, as esbuild resolves them, and the type imports. */
async function imports(folder: string): Promise<Edge[]> {
  const entryPoints = globSync(`${folder}/**/*.{ts,tsx}`, { cwd: root }).filter(
    (path) => !path.endsWith('.d.ts'),
  )
  expect(entryPoints.length, `no sources in ${folder}`).toBeGreaterThan(0)
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    bundle: true,
    format: 'esm',
    packages: 'external',
    write: false,
    outdir: 'unused',
    metafile: true,
    logLevel: 'silent',
    loader: { '.css': 'empty', '.svg': 'empty' },
    plugins: [workers],
  })
  const values = Object.entries(metafile.inputs).flatMap(([from, input]) =>
    input.imports.map(({ path }) => ({ from, to: path })),
  )
  return [...values, ...entryPoints.flatMap(typeImports)]
}

const isOwn = (path: string) => /^(shared|native-host|entrypoints|native|test|scripts|models)\//.test(path)
const isBuiltin = (path: string) => path.startsWith('node:') || builtinModules.includes(path)

describe('import directions', () => {
  it('shared imports nothing but shared and packages, and no Node module', async () => {
    const edges = await imports('shared')
    const wrong = edges.filter(({ to }) => (isOwn(to) && !to.startsWith('shared/')) || isBuiltin(to))
    expect(wrong).toEqual([])
  })

  it('native-host imports shared and itself, never entrypoints', async () => {
    const edges = await imports('native-host')
    const wrong = edges.filter(({ to }) => isOwn(to) && !/^(shared|native-host)\//.test(to))
    expect(wrong).toEqual([])
  })

  it('the mesh knows neither HTTP nor text nor the engine: of native-host it imports itself alone', async () => {
    const edges = (await imports('native-host/mesh')).filter(({ from }) =>
      from.startsWith('native-host/mesh/'),
    )
    expect(edges.length).toBeGreaterThan(0)
    const wrong = edges.filter(
      ({ to }) => to.startsWith('hono') || (isOwn(to) && !/^(shared|native-host\/mesh)\//.test(to)),
    )
    expect(wrong).toEqual([])
  })

  it('entrypoints import shared and themselves, never native-host, and no Node module', async () => {
    const edges = (await imports('entrypoints')).filter(({ from }) => !from.endsWith('.config.ts'))
    const wrong = edges.filter(
      ({ to }) => (isOwn(to) && !/^(shared|entrypoints)\//.test(to)) || isBuiltin(to),
    )
    expect(wrong).toEqual([])
  })
})

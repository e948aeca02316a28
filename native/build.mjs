// Builds the native engine with whatever C++ compiler is there: no node-gyp, no Python, nothing downloaded.
//
//   node native/build.mjs                 build/native/shard-engine.node
//   node native/build.mjs --sanitize      the same with address and undefined-behaviour checks, build/native-asan/
//   node native/build.mjs --fuzz          the libFuzzer target (clang), build/native-fuzz/gguf-fuzz
//   node native/build.mjs --emulate-vnni  the VNNI kernels emulated, for tests on AVX2 processors, build/native-vnni/
//   node native/build.mjs --target linux-arm64  with a cross-compiler, build/native-linux-arm64/
//
// Exit codes: 0 built (or nothing to do), 1 the compiler failed, 3 there is no compiler.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const NO_COMPILER = 3
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const source = join(root, 'native', 'src')
const emulation = join(root, 'native', 'emulated-vnni')

/** The compiler for a `--target` that is not this machine; $CXX is this machine's and not asked. */
const CROSS_COMPILERS = {
  'linux-arm64': 'aarch64-linux-gnu-g++',
  'linux-x64': 'x86_64-linux-gnu-g++',
}

const AVX2 = { gnu: ['-mavx2', '-mfma', '-mf16c'], cl: ['/arch:AVX2'] }
// GCC 12 warns of its own AVX-512 header's deliberately undefined registers.
const AVX512 = {
  gnu: [
    '-mavx512f',
    '-mavx512bw',
    '-mavx512vl',
    '-mavx512vnni',
    '-mfma',
    '-mf16c',
    '-Wno-maybe-uninitialized',
    '-Wno-uninitialized',
  ],
  cl: ['-mavx512f', '-mavx512bw', '-mavx512vl', '-mavx512vnni', '-mfma', '-mf16c'],
}
const AMX = {
  gnu: [...AVX512.gnu, '-mamx-tile', '-mamx-int8', '-mgfni'],
  cl: [...AVX512.cl, '-mamx-tile', '-mamx-int8', '-mgfni'],
  newest: { name: 'AMX', instruction: 'tilerelease', since: 'GCC 11 with binutils 2.35, clang 12' },
}
const AVX_VNNI = {
  gnu: [...AVX2.gnu, '-mavxvnni'],
  cl: [...AVX2.cl, '-mavxvnni'],
  // What compiler and assembler may be too old for.
  newest: {
    name: 'AVX-VNNI',
    instruction: '%{vex%} vpdpbusd %1, %1, %0',
    since: 'GCC 11 with binutils 2.36, clang 12',
  },
}
const NEON = { gnu: ['-march=armv8.2-a+dotprod'], cl: ['/clang:-march=armv8.2-a+dotprod'] }
/**
 * Flags of single files by the target's architecture: each kernel set is compiled for its own processors and chosen when
 * the engine starts. One whose `newest` instruction the compiler does not know is left out: without its flags its file offers
 * no set.
 */
const KERNEL_FLAGS = {
  x64: {
    'kernels/amx.cpp': AMX,
    'kernels/avx2.cpp': AVX2,
    'kernels/avx512vnni.cpp': AVX512,
    'kernels/avxvnni.cpp': AVX_VNNI,
    // clang-cl gives out _xgetbv only with this.
    'kernels/select.cpp': { gnu: [], cl: ['-mxsave'] },
  },
  arm64: { 'kernels/neon.cpp': NEON },
}
/** Those of x64 with --emulate-vnni: the macros that admit the kernels, and functions in place of the compiler's intrinsics. */
const emulated = (...macros) => ({
  gnu: [
    ...AVX2.gnu,
    ...macros.map((macro) => `-D${macro}`),
    ...[`-I${emulation}`, `-iquote${emulation}`],
    // GCC 12 crashes on scalar replacement of SIMDe's unions; -O3 takes long and gains nothing here.
    ...['-O2', '-fno-tree-sra', '-Wno-psabi', '-Wno-ignored-attributes'],
  ],
  headers: ['immintrin.h', 'kernels/amx_tiles.h'].map((name) => join(emulation, name)),
})
const AVX512_MACROS = ['__AVX512F__', '__AVX512BW__', '__AVX512VL__', '__AVX512VNNI__']
const EMULATED_VNNI_FLAGS = {
  ...KERNEL_FLAGS.x64,
  'kernels/amx.cpp': emulated('__AMX_TILE__', '__AMX_INT8__', '__GFNI__', ...AVX512_MACROS),
  'kernels/avx512vnni.cpp': emulated(...AVX512_MACROS),
  'kernels/avxvnni.cpp': emulated('__AVXVNNI__'),
  'kernels/select.cpp': { gnu: ['-DSHARD_EMULATED_VNNI'] },
}

/** @typedef {'addon' | 'sanitize' | 'fuzz' | 'emulate-vnni'} Mode */

/** @typedef {{ platform: string, arch: string, crossCompiler?: string }} Target what the product runs on, named as Node does */

/** @returns {Target} */
function targetOf(args) {
  const own = `${process.platform}-${process.arch}`
  const at = args.indexOf('--target')
  const name = at < 0 ? own : (args[at + 1] ?? '')
  if (name === own) return { platform: process.platform, arch: process.arch }
  const crossCompiler = CROSS_COMPILERS[name]
  if (crossCompiler === undefined) {
    const others = Object.keys(CROSS_COMPILERS).filter((cross) => cross !== own)
    fail(`--target ${name}: not known; this machine is ${own}, others are ${others.join(', ')}`, 1)
  }
  const [platform, arch] = name.split('-')
  return { platform, arch, crossCompiler }
}

/** The flags of one file; none, and a word, where its instructions are newer than the compiler. */
function flagsOf(flags, { program, first, style }, out) {
  const { newest } = flags ?? {}
  if (newest === undefined || style === 'cl') return flags?.[style] ?? []
  const input = `typedef int Lanes __attribute__((vector_size(32)));
    Lanes f(Lanes x) { __asm__("${newest.instruction}" : "+x"(x) : "x"(x)); return x; }`
  const object = join(out, `probe.${process.pid}.o`)
  const probe = spawnSync(program, [...first, ...flags[style], '-x', 'c++', '-c', '-', '-o', object], {
    input,
  })
  rmSync(object, { force: true })
  if (probe.status === 0) return flags[style]
  process.stderr.write(
    `native: built without ${newest.name} kernels, which ${program} does not know (${newest.since} do)\n`,
  )
  return []
}

/**
 * @param {Mode} mode
 * @param {Target} target
 */
function plan(mode, target, compiler) {
  const folder = {
    addon: target.crossCompiler ? `native-${target.platform}-${target.arch}` : 'native',
    sanitize: 'native-asan',
    fuzz: 'native-fuzz',
    'emulate-vnni': 'native-vnni',
  }[mode]
  const kernelFlags = mode === 'emulate-vnni' ? EMULATED_VNNI_FLAGS : (KERNEL_FLAGS[target.arch] ?? {})
  const out = join(root, 'build', folder)
  mkdirSync(out, { recursive: true })
  const files = readdirSync(source, { recursive: true })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.cpp') && !(mode === 'fuzz' && file.startsWith('addon/')))
    .sort()
    .map((file) => ({
      file: join(source, file),
      name: file,
      extra: flagsOf(kernelFlags[file], compiler, out),
      headers: kernelFlags[file]?.headers ?? [],
    }))
  if (mode === 'fuzz') {
    files.push({ file: join(root, 'native', 'fuzz', 'gguf_fuzz.cpp'), name: 'fuzz/gguf_fuzz.cpp', extra: [] })
  }
  const product = join(out, mode === 'fuzz' ? 'gguf-fuzz' : 'shard-engine.node')
  return { mode, out, files, product }
}

function headerFolders() {
  const folders = ['node-api-headers/include', 'node-addon-api'].map((name) =>
    join(root, 'node_modules', name),
  )
  for (const folder of folders) {
    if (!existsSync(folder)) fail(`${relative(root, folder)} is missing: run npm ci first`, 1)
  }
  return folders
}

function fail(message, code) {
  process.stderr.write(`native: ${message}\n`)
  process.exit(code)
}

/** The first compiler that answers, with its version, which is part of every object's hash. */
function findCompiler(mode, target) {
  const windows = process.platform === 'win32'
  // libFuzzer comes with clang alone.
  const wanted = mode === 'fuzz' && !process.env.CXX?.includes('clang') ? undefined : process.env.CXX?.trim()
  const names =
    mode === 'fuzz' ? ['clang++'] : windows ? ['clang-cl', 'cl', 'clang++', 'g++'] : ['c++', 'g++', 'clang++']
  const own = wanted ? [wanted, ...names] : names
  const candidates = target.crossCompiler ? [target.crossCompiler] : own
  for (const command of candidates) {
    const [program, ...first] = command.split(/\s+/)
    const style = /(^|[/\\])(clang-)?cl(\.exe)?$/i.test(program) ? 'cl' : 'gnu'
    const probe = spawnSync(program, style === 'cl' ? [...first, '/?'] : [...first, '--version'], {
      encoding: 'utf8',
    })
    if (!probe.error && probe.status === 0) {
      return { program, first, style, version: `${probe.stdout}`.split('\n')[0] }
    }
    if (command === wanted) process.stderr.write(`native: CXX=${wanted} does not run; trying others\n`)
  }
  return null
}

const HOW_TO_INSTALL = {
  linux: 'sudo apt install g++   (Debian, Ubuntu)   or   sudo dnf install gcc-c++   (Fedora)',
  darwin: 'xcode-select --install',
  win32: 'winget install LLVM.LLVM, and the "Desktop development with C++" part of Visual Studio Build Tools',
}

function compileFlags({ style, program }, mode, target, includes) {
  const defines = [
    'NAPI_VERSION=8',
    'NAPI_CPP_EXCEPTIONS',
    'NODE_GYP_MODULE_NAME=shard_engine',
    'BUILDING_NODE_EXTENSION',
  ]
  if (style === 'cl') {
    return [
      ...['/nologo', '/std:c++17', '/O2', '/EHsc', '/MD', '/W3', '/utf-8', '/fp:precise', '/DNOMINMAX'],
      ...(program.includes('clang') ? ['/clang:-ffp-contract=off'] : []),
      ...defines.map((define) => `/D${define}`),
      ...includes.map((folder) => `/I${folder}`),
    ]
  }
  const checks = { sanitize: ['address', 'undefined'], fuzz: ['fuzzer', 'address', 'undefined'] }[mode] ?? []
  const optimised = checks.length === 0
  return [
    ...[
      '-std=c++17',
      optimised ? '-O3' : '-O1',
      '-Wall',
      '-Wextra',
      '-Wno-unknown-warning-option',
      '-fvisibility=hidden',
    ],
    // Every rounding is where the source says: no contraction to FMA, no reordering.
    ...['-ffp-contract=off', '-fno-math-errno', '-fno-trapping-math'],
    ...(target.platform === 'win32' ? [] : ['-fPIC', '-pthread']),
    ...(optimised ? [] : ['-g', '-fno-omit-frame-pointer', '-fno-sanitize-recover=all']),
    // The vptr check does not know types that a library loaded by dlopen hides.
    ...(optimised ? [] : [`-fsanitize=${checks.join(',')}`, '-fno-sanitize=vptr']),
    ...defines.map((define) => `-D${define}`),
    ...includes.flatMap((folder) => ['-isystem', folder]),
    `-I${source}`,
  ]
}

function linkFlags(mode, target, out, compiler) {
  if (compiler.style === 'cl')
    return [
      '/link',
      '/DLL',
      ...windowsImportLibrary(out, target, compiler),
      '/DELAYLOAD:node.exe',
      'delayimp.lib',
    ]
  const checks =
    { sanitize: ['-fsanitize=address,undefined'], fuzz: ['-fsanitize=fuzzer,address,undefined'] }[mode] ?? []
  const shared =
    mode === 'fuzz'
      ? []
      : target.platform === 'darwin'
        ? ['-bundle', '-undefined', 'dynamic_lookup']
        : ['-shared']
  return [
    ...shared,
    ...checks,
    ...(target.platform === 'win32' ? windowsImportLibrary(out, target, compiler) : ['-pthread']),
  ]
}

/** On Windows the addon links against what node.exe exports: an import library made from node-api-headers' list. */
function windowsImportLibrary(out, target, compiler) {
  const defs = ['js_native_api', 'node_api'].map((name) =>
    readFileSync(join(root, 'node_modules', 'node-api-headers', 'def', `${name}.def`), 'utf8'),
  )
  const names = [
    ...new Set(defs.flatMap((text) => text.split(/\r?\n/).slice(2)).map((line) => line.trim())),
  ].filter(Boolean)
  const def = join(out, 'node.def')
  writeFileSync(def, `NAME NODE.EXE\nEXPORTS\n${names.join('\n')}\n`)
  const library = join(out, compiler.style === 'cl' ? 'node.lib' : 'libnode.a')
  const machine = target.arch === 'arm64' ? 'arm64' : 'x64'
  const tools =
    compiler.style === 'cl'
      ? [
          ['llvm-lib', [`/def:${def}`, `/out:${library}`, `/machine:${machine}`]],
          ['lib', ['/nologo', `/def:${def}`, `/out:${library}`, `/machine:${machine}`]],
        ]
      : [
          ['dlltool', ['-d', def, '-l', library]],
          ['llvm-dlltool', ['-d', def, '-l', library, '-m', machine === 'x64' ? 'i386:x86-64' : 'arm64']],
        ]
  for (const [tool, args] of tools) {
    const made = spawnSync(tool, args, { stdio: 'inherit' })
    if (!made.error && made.status === 0) return [library]
  }
  return fail(
    `could not make the import library: none of ${tools.map(([tool]) => tool).join(', ')} worked`,
    1,
  )
}

/** One hash for everything that the objects depend on besides their own source. */
function commonHash(compiler, target, flags) {
  const hash = createHash('sha256').update(JSON.stringify([compiler, flags, target.arch]))
  for (const file of readdirSync(source, { recursive: true }).sort()) {
    if (file.endsWith('.h')) hash.update(file).update(readFileSync(join(source, file)))
  }
  return hash.digest('hex')
}

function run(program, args) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: 'inherit' })
    child.on('error', () => resolve(false))
    child.on('close', (code) => resolve(code === 0))
  })
}

async function compileAll(compiler, target, build, flags) {
  const common = commonHash(compiler, target, flags)
  const cl = compiler.style === 'cl'
  const jobs = build.files.map(({ file, name, extra, headers = [] }) => {
    const object = join(build.out, `${name.replaceAll('/', '-').replace(/\.cpp$/, '')}.${cl ? 'obj' : 'o'}`)
    const stamp = createHash('sha256')
      .update(common)
      .update(readFileSync(file))
      .update(extra.join(' '))
      .update(headers.map(read).join(''))
      .digest('hex')
    // Under a name of its own first: two builds at once must not write into one file.
    const fresh = `${object}.${process.pid}`
    const args = [
      ...compiler.first,
      ...flags,
      ...extra,
      ...(cl ? ['/c', file, `/Fo${fresh}`] : ['-c', file, '-o', fresh]),
    ]
    return { object, fresh, stamp, args }
  })
  const stale = jobs.filter(({ object, stamp }) => !existsSync(object) || read(`${object}.hash`) !== stamp)
  const queue = [...stale]
  let good = true
  const worker = async () => {
    for (let job = queue.shift(); job && good; job = queue.shift()) {
      rmSync(`${job.object}.hash`, { force: true })
      if (await run(compiler.program, job.args)) {
        renameSync(job.fresh, job.object)
        writeFileSync(`${job.object}.hash`, job.stamp)
      } else good = false
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
  return {
    good,
    compiled: stale.length,
    objects: jobs.map(({ object }) => object),
    stamps: jobs.map(({ stamp }) => stamp),
  }
}

function read(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null
}

async function main() {
  /** @type {Mode} */
  const mode =
    ['fuzz', 'sanitize', 'emulate-vnni'].find((name) => process.argv.includes(`--${name}`)) ?? 'addon'
  const target = targetOf(process.argv)
  if (target.crossCompiler && mode !== 'addon') fail(`--target does not go with --${mode}`, 1)
  const compiler = findCompiler(mode, target)
  if (!compiler && target.crossCompiler) {
    const debian = `g++-${target.crossCompiler.slice(0, -'-g++'.length).replace('_', '-')}`
    fail(`no ${target.crossCompiler} found: sudo apt install ${debian}   (Debian, Ubuntu)`, NO_COMPILER)
  }
  if (!compiler) {
    const how = HOW_TO_INSTALL[process.platform] ?? 'install g++ or clang++'
    fail(
      `no C++17 compiler found (looked for $CXX, c++, g++, clang++). To get the fast engine: ${how}`,
      NO_COMPILER,
    )
  }
  if (mode === 'emulate-vnni' && (process.arch !== 'x64' || compiler.style === 'cl'))
    fail('--emulate-vnni needs an x64 processor and g++', 1)
  const build = plan(mode, target, compiler)
  const includes = mode === 'fuzz' ? [] : headerFolders()
  const flags = compileFlags(
    compiler,
    mode,
    target,
    compiler.style === 'cl' ? [...includes, source] : includes,
  )
  const { good, compiled, objects, stamps } = await compileAll(compiler, target, build, flags)
  if (!good) fail(`${compiler.program} failed (see above)`, 1)
  const stamp = createHash('sha256').update(stamps.join()).digest('hex')
  if (compiled === 0 && existsSync(build.product) && read(`${build.product}.hash`) === stamp) {
    process.stderr.write(`native: ${relative(root, build.product)} is up to date\n`)
    return
  }
  // A running engine may have the old file mapped: put a new one in its place, never write into it.
  const fresh = `${build.product}.${process.pid}`
  const link = linkFlags(mode, target, build.out, compiler)
  const args =
    compiler.style === 'cl'
      ? [...compiler.first, '/nologo', ...objects, `/Fe${fresh}`, '/LD', ...link]
      : [...compiler.first, ...objects, '-o', fresh, ...link]
  if (!(await run(compiler.program, args))) fail('linking failed (see above)', 1)
  if (process.platform === 'win32') rmSync(build.product, { force: true })
  renameSync(fresh, build.product)
  writeFileSync(`${build.product}.hash`, stamp)
  process.stderr.write(
    `native: built ${relative(root, build.product)} with ${compiler.version} (${compiled} files compiled)\n`,
  )
}

await main()

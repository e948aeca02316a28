import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/*
 * node-llama-cpp's addon without what it puts around it: its public calls read every row's logits in JavaScript, which costs
 * more than a pass. These are the parts of its `dist/bindings/AddonTypes.d.ts` that are used here.
 */
export interface LlamaAddon {
  readonly AddonModel: new (path: string, options: object) => LlamaModel
  readonly AddonContext: new (model: LlamaModel, options: object) => LlamaContext
  init(): Promise<void>
  loadBackends(folder: string): void
  setLogger(logger: (level: number, message: string) => void): void
  /** Lists the processor's instructions that the loaded backend was built for. */
  systemInfo(): string
}

export interface LlamaModel {
  init(): Promise<boolean>
}

export interface LlamaContext {
  init(): Promise<boolean>
  getThreads(): number
  initBatch(size: number): void
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logitIndexes: Uint32Array): Uint32Array
  decodeBatch(): Promise<void>
  removeTokenCellsFromSequence(sequence: number, from: number, to: number): boolean
}

/** The backends that an instruction set allows; of all that are there, llama.cpp takes the best. */
const BACKENDS: Readonly<Record<string, RegExp>> = { avx2: /^libggml-cpu-(x64|sse42|haswell)\.so$/ }

/** @param kernel the best instruction set that may be used; absent: whatever runs here */
export async function loadLlamaAddon(kernel?: string): Promise<LlamaAddon> {
  const folder = join(await binariesFolder(), `${process.platform}-${process.arch}`)
  const addon = await open(folder, kernel)
  await addon.init()
  return addon
}

async function open(folder: string, kernel: string | undefined): Promise<LlamaAddon> {
  if (kernel === undefined) return openFrom(folder)
  const allowed = BACKENDS[kernel]
  if (allowed === undefined) {
    throw new Error(`llama.cpp can be held to ${Object.keys(BACKENDS).join(', ')}, not to ${kernel}`)
  }
  const some = await mkdtemp(join(tmpdir(), 'shard-llama-cpp-'))
  try {
    for (const name of await readdir(folder)) {
      if (!name.startsWith('libggml-cpu-') || allowed.test(name))
        await copyFile(join(folder, name), join(some, name))
    }
    return openFrom(some)
  } finally {
    // Loaded libraries stay, whatever becomes of their files.
    await rm(some, { recursive: true, force: true })
  }
}

function openFrom(folder: string): LlamaAddon {
  const addon = createRequire(import.meta.url)(join(folder, 'llama-addon.node')) as LlamaAddon
  addon.setLogger(() => {})
  addon.loadBackends(folder)
  return addon
}

/** Of the package for this platform, which comes with node-llama-cpp. */
async function binariesFolder(): Promise<string> {
  const main = fileURLToPath(import.meta.resolve('node-llama-cpp'))
  const name = `@node-llama-cpp/${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  try {
    const platform = createRequire(main).resolve(name)
    return join(dirname(dirname(platform)), 'bins')
  } catch (cause) {
    throw new Error(`node-llama-cpp has no build for this system: ${name} is not installed`, { cause })
  }
}

import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { needSpace } from '../../../native-host/models/free-space.ts'
import { homeFolders } from '../../../native-host/settings/home.ts'
import { aligned, ggufHead, type Metadata, type TensorEntry } from '../../support/gguf-writer.ts'
import type { TernaryType } from '../../support/pack-ternary.ts'
import { Random } from '../../support/random.ts'
import { vocabulary } from '../../support/vocabulary.ts'
import { matrixBytes, matrixChunks, typeId } from './matrix-chunks.ts'
import { RandomBytes } from './random-bytes.ts'
import { type ShapeTensor, shapeTensors } from './shape-tensors.ts'
import { type MatrixType, SHAPES, type Shape, type ShapeName } from './shapes.ts'

/** Part of every file's name: a change of what the generator writes makes new files. */
const VERSION = 1
/** Bytes written at once. */
const WRITE_BYTES = 8 << 20

export interface ShapeFileOptions {
  readonly shape: ShapeName
  readonly seed?: number
  /** Instead of the shape's: of all matrices, and of an embedding and a head that are ternary. */
  readonly type?: TernaryType
  /** Instead of the shape's: of the head, which may be the embedding as well. */
  readonly head?: MatrixType
  /** Instead of the shape's, for an engine that lacks its graph. */
  readonly architecture?: string
}

type ShapeFileProgress = (path: string, done: number, total: number) => void

/** Where made-up models lie: SHARD_BENCH_MODELS, or Shard's cache folder. */
export function shapeFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env.SHARD_BENCH_MODELS || join(homeFolders(env).cache, 'bench')
}

/**
 * A GGUF file of a published shape with random weights, made unless it is there. The weights are a function of seed and
 * tensor: in another ternary type, or under another architecture's name, they are the same. (Types whose blocks are longer
 * than a scale's group cannot hold all scales of a model that has one per group.)
 * @returns its path
 * @throws {ModelError} NO_SPACE
 */
export async function shapeFile(
  options: ShapeFileOptions,
  folder: string = shapeFolder(),
  onProgress: ShapeFileProgress = () => {},
): Promise<string> {
  const seed = options.seed ?? 1
  const shape = shapeOf(options)
  const path = join(folder, `${fileName(options, shape, seed)}.gguf`)
  if ((await stat(path).catch(() => null)) !== null) return path
  await mkdir(folder, { recursive: true })
  await removeAbandoned(path)
  const part = `${path}.${process.pid}.part`
  try {
    await write(part, shape, seed, (done, total) => onProgress(path, done, total))
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  return path
}

/** The shape as these options have it. */
export function shapeOf({ shape, type, head, architecture }: ShapeFileOptions): Shape {
  const own: Shape = SHAPES[shape]
  const isTernary = (of: MatrixType | null) => of === own.type
  return {
    ...own,
    architecture: architecture ?? own.architecture,
    type: type ?? own.type,
    embedding:
      own.head === null && head !== undefined
        ? head
        : isTernary(own.embedding)
          ? (type ?? own.type)
          : own.embedding,
    head: own.head === null ? null : (head ?? (isTernary(own.head) ? (type ?? own.type) : own.head)),
  }
}

function fileName(
  options: ShapeFileOptions,
  { architecture, type, embedding, head }: Shape,
  seed: number,
): string {
  const words = [options.shape, architecture, type, head ?? embedding, `seed-${seed}`, `v${VERSION}`]
  return words.join('_').replaceAll(' ', '-')
}

/** What a process that has died left of the same file. */
async function removeAbandoned(path: string): Promise<void> {
  const [folder, file] = [dirname(path), basename(path)]
  for (const name of await readdir(folder)) {
    const [, pid] = name.startsWith(file) ? (/^\.(\d+)\.part$/.exec(name.slice(file.length)) ?? []) : []
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(folder, name), { force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function write(
  part: string,
  shape: Shape,
  seed: number,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const tensors = shapeTensors(shape)
  const entries = tensors.map(entryOf)
  const head = ggufHead(metadata(shape, seed), entries)
  const total = entries.reduce((sum, { byteLength }) => sum + aligned(byteLength), head.length)
  await needSpace(dirname(part), total)
  await using file = await open(part, 'wx')
  let done = 0
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  const flush = async () => {
    await file.writev(waiting)
    done += waitingBytes
    waiting = []
    waitingBytes = 0
    onProgress(done, total)
  }
  const put = async (bytes: Uint8Array) => {
    waiting.push(bytes)
    waitingBytes += bytes.length
    if (waitingBytes >= WRITE_BYTES) await flush()
  }
  await put(head)
  for (const [i, tensor] of tensors.entries()) {
    const { byteLength } = entries[i]!
    for (const chunk of tensorChunks(tensor, shape, seed)) await put(chunk)
    await put(new Uint8Array(aligned(byteLength) - byteLength))
  }
  await flush()
  if (done !== total) throw new Error(`${part}: ${done} bytes were written, ${total} were announced`)
}

function entryOf(tensor: ShapeTensor): TensorEntry {
  if (tensor.kind === 'gain')
    return { name: tensor.name, shape: [tensor.size], type: 0, byteLength: 4 * tensor.size }
  const { name, rows, columns, type } = tensor
  const byteLength = matrixBytes(type, rows * columns, columns)
  return { name, shape: [columns, rows], type: typeId(type), byteLength }
}

function* tensorChunks(tensor: ShapeTensor, { scales }: Shape, seed: number): Generator<Uint8Array> {
  const label = `${seed} ${tensor.name}`
  if (tensor.kind === 'gain') {
    const random = new Random(new Int32Array(new RandomBytes(label).bytes(4).slice().buffer)[0]!)
    const values = Float32Array.from({ length: tensor.size }, () => tensor.mean * (1 + 0.2 * random.normal()))
    yield new Uint8Array(values.buffer)
  } else {
    const { rows, columns, type, deviation } = tensor
    yield* matrixChunks({ label, weights: rows * columns, type, deviation, scales })
  }
}

function metadata(shape: Shape, seed: number): Record<string, Metadata> {
  const { architecture, vocabulary: size } = shape
  const u32 = (value: number): Metadata => ({ type: 'u32', value })
  const key = (name: string) => `${architecture}.${name}`
  return {
    'general.architecture': { type: 'text', value: architecture },
    'general.name': { type: 'text', value: `random ${architecture} ${shape.type} ${seed}` },
    [key('block_count')]: u32(shape.layers),
    [key('context_length')]: u32(shape.context),
    [key('embedding_length')]: u32(shape.width),
    [key('feed_forward_length')]: u32(shape.feedForward),
    [key('attention.head_count')]: u32(shape.heads),
    [key('attention.head_count_kv')]: u32(shape.kvHeads),
    [key('attention.key_length')]: u32(shape.headDim),
    [key('attention.value_length')]: u32(shape.headDim),
    [key('attention.layer_norm_rms_epsilon')]: { type: 'f32', value: shape.epsilon },
    [key('rope.freq_base')]: { type: 'f32', value: shape.ropeBase },
    [key('rope.dimension_count')]: u32(shape.headDim),
    [key('vocab_size')]: u32(size),
    'tokenizer.ggml.model': { type: 'text', value: 'gpt2' },
    'tokenizer.ggml.tokens': { type: 'texts', value: vocabulary(size) },
    'tokenizer.ggml.token_type': {
      type: 'i32s',
      value: Array.from({ length: size }, (_, id) => (id === size - 1 ? 3 : 1)),
    },
    // llama.cpp wants some.
    'tokenizer.ggml.merges': { type: 'texts', value: ['a a'] },
    'tokenizer.ggml.eos_token_id': u32(size - 1),
  }
}

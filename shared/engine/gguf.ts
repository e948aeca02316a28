import { EngineError } from './engine-error.ts'
import { GgufCursor } from './gguf-cursor.ts'
import { settleQ2Groups } from './q2-groups.ts'
import { TENSOR_TYPES, type TensorType } from './tensor-type.ts'

/*
 * Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little endian).
 * The npm package @huggingface/gguf is not used: it takes a URL or a path rather than bytes, reads the header alone, and
 * does not check the directory against the data (types, block sizes, alignment, ends), which is where a hostile file bites.
 */

// Limits: far above any real file, far below what would hurt.
const MAX_ENTRIES = 65_536 // metadata keys, tensors
const MAX_KEY_BYTES = 65_535 // the format's own limit
const MAX_NAME_BYTES = 64 // the format's own limit for tensor names
const MAX_DIMENSIONS = 4
const DEFAULT_ALIGNMENT = 32
const MAX_ALIGNMENT = 65_536

/** 64-bit integers come as numbers where they fit 2^53, else as bigints. */
export type GgufScalar = number | bigint | boolean | string
export type GgufValue = GgufScalar | readonly GgufScalar[]

export interface GgufTensor {
  readonly name: string
  readonly type: TensorType
  /** Weights that lie together in memory. */
  readonly columns: number
  /** Product of the other dimensions. */
  readonly rows: number
  /** The tensor's bytes, a view into the file; cut short, or empty, where only the file's head was parsed. */
  readonly data: Uint8Array
}

export interface Gguf {
  readonly version: number
  readonly metadata: ReadonlyMap<string, GgufValue>
  readonly tensors: ReadonlyMap<string, GgufTensor>
}

const ARRAY = 9
const STRING = 8

/**
 * Parses a GGUF file. Every number of the file is checked before it is used or allocated for.
 * @param fileBytes size of the whole file when `bytes` are only its head, with all of its metadata and directory
 * @throws {EngineError} GGUF_TRUNCATED, GGUF_INVALID, GGUF_UNSUPPORTED
 */
export function parseGguf(bytes: Uint8Array, fileBytes = bytes.length): Gguf {
  const cursor = new GgufCursor(bytes)
  const magic = cursor.take(4, 'magic')
  if (String.fromCharCode(...bytes.subarray(magic, magic + 4)) !== 'GGUF') {
    throw invalid('the file does not start with GGUF: it is no GGUF model')
  }
  const version = cursor.u32('version')
  if (version === 1 || version === 0x02000000 || version === 0x03000000) {
    throw new EngineError(
      'GGUF_UNSUPPORTED',
      'GGUF version 1 or big endian; convert it to version 3, little endian',
    )
  }
  if (version !== 2 && version !== 3) throw invalid(`GGUF version ${version}; versions 2 and 3 are known`)
  const tensorCount = count(cursor, 'tensor count')
  const metadata = readMetadata(cursor, count(cursor, 'metadata count'))
  const alignment = metadata.get('general.alignment') ?? DEFAULT_ALIGNMENT
  if (typeof alignment !== 'number' || !isAlignment(alignment)) {
    throw invalid(`general.alignment is ${alignment}; a power of two up to ${MAX_ALIGNMENT} is expected`)
  }
  const listed = Array.from({ length: tensorCount }, () => readTensorInfo(cursor))
  const dataStart = Math.ceil(cursor.offset / alignment) * alignment
  const directory = settleQ2Groups(listed, bytes.length - dataStart, alignment)
  const tensors = new Map<string, GgufTensor>()
  for (const info of directory) {
    if (tensors.has(info.name)) throw invalid(`tensor ${JSON.stringify(info.name)} is there twice`)
    tensors.set(info.name, locate(info, bytes, fileBytes, dataStart, alignment))
  }
  return { version, metadata, tensors }
}

function invalid(message: string): EngineError {
  return new EngineError('GGUF_INVALID', message)
}

function isAlignment(value: number): boolean {
  return value >= 1 && value <= MAX_ALIGNMENT && Number.isInteger(Math.log2(value))
}

function count(cursor: GgufCursor, what: string): number {
  const value = cursor.size(what)
  if (value > MAX_ENTRIES) throw invalid(`${what} is ${value}; at most ${MAX_ENTRIES} are allowed`)
  return value
}

function readMetadata(cursor: GgufCursor, entries: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>()
  for (let i = 0; i < entries; i++) {
    const key = cursor.text('metadata key', MAX_KEY_BYTES)
    if (metadata.has(key)) throw invalid(`metadata ${JSON.stringify(key)} is there twice`)
    const type = cursor.u32('metadata')
    metadata.set(key, type === ARRAY ? readArray(cursor, key) : readScalar(cursor, type, key))
  }
  return metadata
}

function readArray(cursor: GgufCursor, key: string): GgufScalar[] {
  const type = cursor.u32('metadata')
  if (type === ARRAY) throw invalid(`metadata ${JSON.stringify(key)} is an array of arrays`)
  const length = cursor.size('metadata')
  // Every element takes at least a byte, a string its 8-byte length: no count beyond the file is ever looped over.
  if (length > cursor.left / (type === STRING ? 8 : 1)) {
    throw new EngineError(
      'GGUF_TRUNCATED',
      `metadata ${JSON.stringify(key)} promises ${length} elements, more than the file holds: fetch it again`,
    )
  }
  const out: GgufScalar[] = []
  for (let i = 0; i < length; i++) out.push(readScalar(cursor, type, key))
  return out
}

function readScalar(cursor: GgufCursor, type: number, key: string): GgufScalar {
  const what = 'metadata'
  switch (type) {
    case 0:
      return cursor.u8(what)
    case 1:
      return cursor.i8(what)
    case 2:
      return cursor.u16(what)
    case 3:
      return cursor.i16(what)
    case 4:
      return cursor.u32(what)
    case 5:
      return cursor.i32(what)
    case 6:
      return cursor.f32(what)
    case 7:
      return cursor.u8(what) !== 0
    case STRING:
      return cursor.text('metadata string')
    case 10:
      return narrow(cursor.u64(what))
    case 11:
      return narrow(cursor.i64(what))
    case 12:
      return cursor.f64(what)
    default:
      throw invalid(`metadata ${JSON.stringify(key)} has the unknown type ${type}`)
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

interface TensorInfo {
  readonly name: string
  readonly type: TensorType
  readonly columns: number
  readonly rows: number
  readonly offset: number
}

function readTensorInfo(cursor: GgufCursor): TensorInfo {
  const name = cursor.text('tensor name', MAX_NAME_BYTES)
  const label = `tensor ${JSON.stringify(name)}`
  if (name === '') throw invalid('a tensor has an empty name')
  const dimensions = cursor.u32('tensor directory')
  if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
    throw invalid(`${label} has ${dimensions} dimensions; 1 to ${MAX_DIMENSIONS} are allowed`)
  }
  const extents = Array.from({ length: dimensions }, () => cursor.size('tensor directory'))
  const weights = extents.reduce((product, extent) => product * extent, 1)
  if (!Number.isSafeInteger(weights) || weights === 0) {
    throw invalid(`${label} has the impossible shape ${extents.join(' × ')}`)
  }
  const number = cursor.u32('tensor directory')
  const type = TENSOR_TYPES.get(number)
  if (type === undefined) {
    const known = [...TENSOR_TYPES.values()].map((entry) => entry.name).join(', ')
    throw new EngineError('GGUF_UNSUPPORTED', `${label} has type ${number}; this engine reads ${known}`)
  }
  const columns = extents[0]!
  if (columns % type.blockWeights !== 0) {
    throw invalid(
      `${label} has rows of ${columns} weights; ${type.name} takes multiples of ${type.blockWeights}`,
    )
  }
  return { name, type, columns, rows: weights / columns, offset: cursor.size('tensor directory') }
}

function locate(
  info: TensorInfo,
  bytes: Uint8Array,
  fileBytes: number,
  dataStart: number,
  alignment: number,
): GgufTensor {
  const { name, type, columns, rows, offset } = info
  if (offset % alignment !== 0) {
    throw invalid(
      `tensor ${JSON.stringify(name)} lies at ${offset}, no multiple of the alignment ${alignment}`,
    )
  }
  const size = ((rows * columns) / type.blockWeights) * type.blockBytes + type.tailBytes
  const start = dataStart + offset
  if (start + size > fileBytes) {
    throw new EngineError(
      'GGUF_TRUNCATED',
      `tensor ${JSON.stringify(name)} needs bytes ${start} to ${start + size}, the file has ${fileBytes}: fetch it again`,
    )
  }
  return { name, type, columns, rows, data: bytes.subarray(start, start + size) }
}

/** One GGUF metadata value with its type on disk. */
export type Metadata =
  | { readonly type: 'u32' | 'f32'; readonly value: number }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'text'; readonly value: string }
  | { readonly type: 'texts'; readonly value: readonly string[] }
  | { readonly type: 'i32s'; readonly value: readonly number[] }

/** What a file's directory says of a tensor. */
export interface TensorEntry {
  readonly name: string
  /** Fastest dimension first. */
  readonly shape: readonly number[]
  /** The type's number in the file. */
  readonly type: number
  readonly byteLength: number
}

export interface TensorData extends Omit<TensorEntry, 'byteLength'> {
  readonly bytes: Uint8Array
}

const TYPES = { u32: 4, f32: 6, bool: 7, text: 8, texts: 9, i32s: 9 } as const
const ALIGNMENT = 32

/** What tensors take in the file: whole multiples of 32 bytes. */
export const aligned = (bytes: number) => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT

/** Metadata as they stand in a file. */
export interface MetadataBytes {
  readonly count: number
  readonly bytes: Uint8Array
}

/** Writes GGUF version 3, little endian. */
export function writeGguf(
  metadata: Readonly<Record<string, Metadata>> | MetadataBytes,
  tensors: readonly TensorData[],
): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter()
  out.bytes(
    ggufHead(
      metadata,
      tensors.map(({ bytes, ...entry }) => ({ ...entry, byteLength: bytes.length })),
    ),
  )
  for (const { bytes } of tensors) {
    out.bytes(bytes)
    out.pad(ALIGNMENT)
  }
  return out.finish()
}

/** Everything before the tensors' data: these follow in the order of `tensors`, each `aligned`. */
export function ggufHead(
  metadata: Readonly<Record<string, Metadata>> | MetadataBytes,
  tensors: readonly TensorEntry[],
): Uint8Array<ArrayBuffer> {
  const { count, bytes } = isBytes(metadata) ? metadata : metadataBytes(metadata)
  const out = new ByteWriter()
  out.bytes(new TextEncoder().encode('GGUF'))
  out.u32(3)
  out.u64(tensors.length)
  out.u64(count)
  out.bytes(bytes)
  let offset = 0
  for (const { name, shape, type, byteLength } of tensors) {
    out.text(name)
    out.u32(shape.length)
    for (const extent of shape) out.u64(extent)
    out.u32(type)
    out.u64(offset)
    offset += aligned(byteLength)
  }
  out.pad(ALIGNMENT)
  return out.finish()
}

const isBytes = (metadata: object): metadata is MetadataBytes =>
  'bytes' in metadata && metadata.bytes instanceof Uint8Array

function metadataBytes(metadata: Readonly<Record<string, Metadata>>): MetadataBytes {
  const out = new ByteWriter()
  const entries = Object.entries(metadata)
  for (const [key, entry] of entries) {
    out.text(key)
    out.u32(TYPES[entry.type])
    writeValue(out, entry)
  }
  return { count: entries.length, bytes: out.finish() }
}

function writeValue(out: ByteWriter, entry: Metadata): void {
  switch (entry.type) {
    case 'u32':
      out.u32(entry.value)
      break
    case 'f32':
      out.f32(entry.value)
      break
    case 'bool':
      out.bytes(Uint8Array.of(entry.value ? 1 : 0))
      break
    case 'text':
      out.text(entry.value)
      break
    case 'texts':
      out.u32(8)
      out.u64(entry.value.length)
      for (const text of entry.value) out.text(text)
      break
    case 'i32s':
      out.u32(5)
      out.u64(entry.value.length)
      for (const value of entry.value) out.u32(value >>> 0)
      break
  }
}

class ByteWriter {
  #chunks: Uint8Array[] = []
  #length = 0

  bytes(chunk: Uint8Array): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
  }

  u32(value: number): void {
    const view = new DataView(new ArrayBuffer(4))
    view.setUint32(0, value, true)
    this.bytes(new Uint8Array(view.buffer))
  }

  f32(value: number): void {
    this.bytes(new Uint8Array(Float32Array.of(value).buffer))
  }

  u64(value: number): void {
    this.u32(value % 2 ** 32)
    this.u32(Math.floor(value / 2 ** 32))
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value)
    this.u64(bytes.length)
    this.bytes(bytes)
  }

  pad(alignment: number): void {
    this.bytes(new Uint8Array((alignment - (this.#length % alignment)) % alignment))
  }

  finish(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(this.#length)
    let offset = 0
    for (const chunk of this.#chunks) {
      out.set(chunk, offset)
      offset += chunk.length
    }
    return out
  }
}

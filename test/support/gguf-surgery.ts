import { parseGguf } from '../../shared/engine/gguf.ts'
import { type TensorData, writeGguf } from './gguf-writer.ts'

/** Edits of a well-formed GGUF file at its named places, for files that lie. */
export class GgufSurgery {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly #view: DataView

  constructor(original: Uint8Array) {
    this.bytes = Uint8Array.from(original)
    this.#view = new DataView(this.bytes.buffer)
  }

  /** Offset just behind a length-prefixed text (a metadata key or a tensor's name). */
  after(text: string): number {
    const needle = Buffer.alloc(8 + text.length)
    needle.writeBigUInt64LE(BigInt(text.length))
    needle.write(text, 8, 'latin1')
    const at = Buffer.from(this.bytes.buffer).indexOf(needle)
    if (at < 0) throw new Error(`${text} is not in the file`)
    return at + needle.length
  }

  u32(offset: number, value: number): this {
    this.#view.setUint32(offset, value, true)
    return this
  }

  u64(offset: number, value: bigint): this {
    this.#view.setBigUint64(offset, value, true)
    return this
  }

  /** A metadata value of 4 bytes; its type stands before it. */
  value(key: string, value: number): this {
    return this.u32(this.after(key) + 4, value)
  }

  /** Another text of the same length in a text's place. */
  rename(from: string, to: string): this {
    if (from.length !== to.length) throw new Error('names of one length')
    this.bytes.set(new TextEncoder().encode(to), this.after(from) - from.length)
    return this
  }

  /** Where the directory says how many dimensions, which extents, which type and which offset a tensor has. */
  tensor(name: string): { dimensions: number; extents: number; type: number; offset: number } {
    const at = this.after(name)
    const count = this.#view.getUint32(at, true)
    return { dimensions: at, extents: at + 4, type: at + 4 + 8 * count, offset: at + 8 + 8 * count }
  }

  /** Where a tensor's bytes begin, alignment 32. @param final the last tensor of the directory */
  data(name: string, final = 'output_norm.weight'): number {
    const last = this.tensor(final).offset + 8
    const start = Math.ceil(last / 32) * 32
    return start + Number(this.#view.getBigUint64(this.tensor(name).offset, true))
  }

  /** The file with these tensors instead of its own. */
  withTensors(tensors: readonly TensorData[]): Uint8Array<ArrayBuffer> {
    const [first] = parseGguf(this.bytes).tensors.keys()
    const start = this.after(first!) - first!.length - 8
    const metadata = { count: Number(this.#view.getBigUint64(16, true)), bytes: this.bytes.slice(24, start) }
    return writeGguf(metadata, tensors)
  }

  /** The file with one more tensor behind the others. @param final the last tensor of the directory */
  withTensor(
    name: string,
    extents: readonly number[],
    type: number,
    data: Uint8Array,
    final = 'output_norm.weight',
  ): Uint8Array<ArrayBuffer> {
    const end = this.tensor(final).offset + 8
    const start = Math.ceil(end / 32) * 32
    const size = Math.ceil((this.bytes.length - start) / 32) * 32
    const entry = Buffer.alloc(8 + name.length + 4 + 8 * extents.length + 4 + 8)
    entry.writeBigUInt64LE(BigInt(name.length))
    entry.write(name, 8, 'latin1')
    let at = entry.writeUInt32LE(extents.length, 8 + name.length)
    for (const extent of extents) at = entry.writeBigUInt64LE(BigInt(extent), at)
    at = entry.writeUInt32LE(type, at)
    entry.writeBigUInt64LE(BigInt(size), at)
    const newStart = Math.ceil((end + entry.length) / 32) * 32
    const out = new Uint8Array(newStart + size + data.length)
    out.set(this.bytes.subarray(0, end))
    out.set(entry, end)
    out.set(this.bytes.subarray(start), newStart)
    out.set(data, newStart + size)
    const view = new DataView(out.buffer)
    view.setBigUint64(8, view.getBigUint64(8, true) + 1n, true)
    return out
  }
}

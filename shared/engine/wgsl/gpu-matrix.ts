import { type GpuMemory, MAX_WORKGROUPS } from './gpu-memory.ts'
import type { TableForm } from './kernels/embed.wgsl.ts'
import { evenRows, packRows, type SourceTensor, sameForm, unitColumns, unitsOf } from './packed-tensor.ts'

/** Consecutive rows of a matrix in buffers of their own. */
export interface MatrixPart {
  /** In the output of the whole product. */
  readonly firstRow: number
  readonly rows: number
  readonly weights: GPUBuffer
  readonly scales: GPUBuffer
}

/** A weight matrix on the GPU, split by rows into as many buffers as the device's limits ask for. */
export interface GpuMatrix {
  readonly form: TableForm
  readonly rows: number
  readonly columns: number
  /** Vec4s of weights in a row. */
  readonly units: number
  /** Threads that share an output row, and the units that each of them takes. */
  readonly slices: number
  readonly sliceUnits: number
  readonly parts: readonly MatrixPart[]
}

/** Threads that share an output row at most, and columns that are worth a thread. */
const TERNARY_SLICES = { most: 32, columns: 128 }
const DENSE_SLICES = { most: 8, columns: 256 }

/** Of one dispatch's grid, a workgroup taking 16 rows or more. */
export const MAX_PART_ROWS = MAX_WORKGROUPS * 16

/** Uploads tensors of one form and width as one matrix, their rows one below the other. */
export function uploadMatrix(memory: GpuMemory, label: string, sources: readonly SourceTensor[]): GpuMatrix {
  const { form, tensor } = sources[0]!
  const rows = sources.reduce((sum, source) => sum + source.tensor.rows, 0)
  const units = unitsOf(form, tensor.columns)
  const most = Math.min(MAX_PART_ROWS, Math.floor(memory.maxBytes / (units * 16)))
  const rowsPerPart = most - (most & 1)
  const parts: MatrixPart[] = []
  for (let firstRow = 0; firstRow < rows; ) {
    const count = Math.min(rows - firstRow, Math.max(2, rowsPerPart))
    const packed = packRows(sources, firstRow, firstRow + count)
    const name = `${label}, rows ${firstRow} to ${firstRow + count}`
    parts.push({
      firstRow,
      rows: count,
      weights: memory.filled(name, packed.weights),
      scales: memory.filled(`${name}, scales`, packed.scales),
    })
    firstRow += count
  }
  return { form, rows, columns: tensor.columns, units, ...slicing(form, tensor.columns, units), parts }
}

/** Runs of tensors that can be one matrix: of one form, beside each other, of one width. */
export function groupByForm(sources: readonly SourceTensor[]): SourceTensor[][] {
  const groups: SourceTensor[][] = []
  for (const source of sources) {
    const last = groups.at(-1)
    if (last !== undefined && sameForm(last[0]!.form, source.form)) last.push(source)
    else groups.push([source])
  }
  return groups
}

export const bufferRows = (part: MatrixPart): number => evenRows(part.rows)

/** By the matrix's shape alone, for it decides the order of sums. */
function slicing(form: TableForm, columns: number, units: number): { slices: number; sliceUnits: number } {
  const limits = 'block' in form ? TERNARY_SLICES : DENSE_SLICES
  const step = 'block' in form && form.block > 0 ? form.block / unitColumns(form) : 1
  const steps = units / step
  let slices = 1
  while (slices < limits.most && columns / (2 * slices) >= limits.columns && 2 * slices <= steps) slices *= 2
  return { slices, sliceUnits: Math.ceil(steps / slices) * step }
}

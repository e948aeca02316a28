import { TERNARY_TYPES } from '../../support/pack-ternary.ts'
import type { RandomModel } from '../../support/random-gguf.ts'
import { TABLE_TYPES } from '../../support/random-table.ts'

export type NamedModel = readonly [name: string, model: RandomModel]

/** What every engine runs. Small, but every branch of the file format. */
export const BITNET_MODELS: readonly NamedModel[] = [
  ...TERNARY_TYPES.map((type) => [`bitnet ${type}`, { type }] as const),
  ['bitnet-b1.58 I2_S', { architecture: 'bitnet-b1.58', type: 'I2_S', seed: 2 }],
  ['bitnet-b1.58 Q2_0, a scale per block', { architecture: 'bitnet-b1.58', type: 'Q2_0', scales: 'block' }],
  ['bitnet Q2_0 of 128, a scale per block, ±2', { type: 'Q2_0 of 128', scales: 'block', codes: 4, seed: 4 }],
  ['bitnet TQ2_0, a scale per block, own head', { scales: 'block', head: 'F16', seed: 3 }],
  [
    'one key head, narrow',
    { type: 'Q2_0', heads: 2, kvHeads: 1, embedding: 128, feedForward: 192, layers: 3 },
  ],
]

/** What engines run that are not limited to BitNet's own files. */
export const OTHER_MODELS: readonly NamedModel[] = [
  ...TABLE_TYPES.map((table, i) => [`bitnet, tied ${table}`, { table, seed: 20 + i }] as const),
  ['bitnet, ternary embedding, Q6_K head', { table: 'TQ2_0', head: 'Q6_K', seed: 30 }],
]

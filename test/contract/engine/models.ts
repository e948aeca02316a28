import { TERNARY_TYPES } from '../../support/pack-ternary.ts'
import type { RandomModel } from '../../support/random-gguf.ts'
import { TABLE_TYPES } from '../../support/random-table.ts'

export type NamedModel = readonly [name: string, model: RandomModel]

/** What every engine runs. Small, but every branch of the file format. */
export const BITNET_MODELS: readonly NamedModel[] = [
  ...TERNARY_TYPES.map((type) => [`bitnet ${type}`, { type }] as const),
  ['bitnet-b1.58 I2_S', { architecture: 'bitnet-b1.58', type: 'I2_S', seed: 2 }],
  ['bitnet-b1.58 Q2_0, a scale per block', { architecture: 'bitnet-b1.58', type: 'Q2_0', scales: 'block' }],
  [
    'bitnet Q2_0 of 128, a scale per block, ±2',
    { type: 'Q2_0 of 128', scales: 'block', twos: true, seed: 4 },
  ],
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
  ...TERNARY_TYPES.map(
    (type) => [`qwen3 ${type}`, { architecture: 'qwen3', type, table: type, seed: 31 }] as const,
  ),
  [
    'qwen3 Q2_0, a scale per block, wide heads, own ternary head',
    {
      ...{
        architecture: 'qwen3',
        type: 'Q2_0 of 128',
        scales: 'block',
        table: 'Q2_0 of 128',
        head: 'Q2_0 of 128',
      },
      ...{ headDim: 128, heads: 4, kvHeads: 1, seed: 32 },
    },
  ],
  [
    'qwen3, groups of two sizes',
    { architecture: 'qwen3', type: 'TQ2_0', table: 'Q2_0', scales: 'block', seed: 33 },
  ],
  [
    'qwen3 with YaRN',
    {
      ...{ architecture: 'qwen3', type: 'Q2_0', head: 'Q8_0', seed: 34 },
      ropeScaling: { type: 'yarn', factor: 4, originalContext: 64 },
    },
  ],
  ...TERNARY_TYPES.map((type) => [`llama ${type}`, { architecture: 'llama', type, seed: 35 }] as const),
  [
    'llama Q2_0, a scale per block, rotary factors',
    { architecture: 'llama', type: 'Q2_0', scales: 'block', head: 'Q6_K', ropeFactors: true, seed: 36 },
  ],
  [
    'llama with linear scaling',
    { architecture: 'llama', type: 'I2_S', seed: 37, ropeScaling: { type: 'linear', factor: 4 } },
  ],
]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { loadNativeEngine } from '../../native-host/engine/native-engine.ts'
import type { EngineErrorCode } from '../../shared/engine/engine-error.ts'
import { EngineError } from '../../shared/engine/engine-error.ts'
import { GgufSurgery } from '../support/gguf-surgery.ts'
import { builtAddon } from '../support/native-addon.ts'
import { randomGguf } from '../support/random-gguf.ts'

const addon = builtAddon()
const good = randomGguf({ layers: 1, type: 'Q2_0', embedding: 64, feedForward: 128, heads: 2, headDim: 32 })
const HALF_NAN = 0x7e00
const Q = 'blk.0.attn_q.weight'
const HUGE = 0xffff_ffff_ffff_ffffn

const edit = (change: (file: GgufSurgery) => unknown) => {
  const file = new GgufSurgery(good)
  change(file)
  return file.bytes
}

async function refusal(model: Uint8Array | string): Promise<EngineError> {
  const error = await loadNativeEngine(model, { addon }).then(
    () => null,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(EngineError)
  return error as EngineError
}

test('the file that the others are made of loads', async () => {
  const engine = await loadNativeEngine(good, { addon })
  const sequence = await engine.createSequence()
  expect(await engine.forward([{ sequence, tokens: [1, 2], logits: 'last' }])).toHaveLength(1)
  await engine.unload()
})

type Case = readonly [what: string, bytes: () => Uint8Array, code: EngineErrorCode, named: string]

const CASES: readonly Case[] = [
  ['an empty file', () => new Uint8Array(0), 'GGUF_TRUNCATED', 'magic'],
  ['another kind of file', () => new TextEncoder().encode('PK\x03\x04 and so on'), 'GGUF_INVALID', 'GGUF'],
  ['version 1', () => edit((f) => f.u32(4, 1)), 'GGUF_UNSUPPORTED', 'version 1'],
  ['big endian', () => edit((f) => f.u32(4, 0x03000000)), 'GGUF_UNSUPPORTED', 'big-endian'],
  ['an unknown version', () => edit((f) => f.u32(4, 99)), 'GGUF_INVALID', '99'],
  ['2^64 − 1 tensors', () => edit((f) => f.u64(8, HUGE)), 'GGUF_INVALID', 'tensors'],
  ['a million metadata values', () => edit((f) => f.u64(16, 1_000_000n)), 'GGUF_INVALID', 'metadata'],
  ['a key longer than the file', () => edit((f) => f.u64(24, HUGE)), 'GGUF_TRUNCATED', 'key'],
  [
    'a key longer than allowed',
    () => Buffer.concat([edit((f) => f.u64(24, 70_000n)), new Uint8Array(70_000)]),
    'GGUF_INVALID',
    'key',
  ],
  [
    'a text longer than the file',
    () => edit((f) => f.u64(f.after('general.name') + 4, HUGE)),
    'GGUF_TRUNCATED',
    'string',
  ],
  [
    'an array of 2^63 texts',
    () => edit((f) => f.u64(f.after('tokenizer.ggml.tokens') + 8, 1n << 63n)),
    'GGUF_TRUNCATED',
    'tokenizer.ggml.tokens',
  ],
  [
    'an array of 2^62 integers',
    () => edit((f) => f.u64(f.after('tokenizer.ggml.token_type') + 8, 1n << 62n)),
    'GGUF_TRUNCATED',
    'tokenizer.ggml.token_type',
  ],
  [
    'an array of arrays',
    () => edit((f) => f.u32(f.after('tokenizer.ggml.token_type') + 4, 9)),
    'GGUF_INVALID',
    'token_type',
  ],
  [
    'a value of unknown type',
    () => edit((f) => f.u32(f.after('bitnet.block_count'), 77)),
    'GGUF_INVALID',
    'bitnet.block_count',
  ],
  [
    'a key twice',
    () => edit((f) => f.rename('bitnet.attention.key_length', 'bitnet.attention.head_count')),
    'GGUF_INVALID',
    'head_count',
  ],
  [
    'another architecture',
    () => edit((f) => f.bytes.set(new TextEncoder().encode('gpt-22'), f.after('general.architecture') + 12)),
    'GGUF_UNSUPPORTED',
    'gpt-22',
  ],
  ['no layers', () => edit((f) => f.value('bitnet.block_count', 0)), 'GGUF_INVALID', 'block_count'],
  ['too many layers', () => edit((f) => f.value('bitnet.block_count', 2)), 'GGUF_INVALID', 'blk.1.attn_norm'],
  [
    '4 billion layers',
    () => edit((f) => f.value('bitnet.block_count', 0xffffffff)),
    'GGUF_INVALID',
    'block_count',
  ],
  ['no context', () => edit((f) => f.value('bitnet.context_length', 0)), 'GGUF_INVALID', 'context_length'],
  [
    'a wrong width',
    () => edit((f) => f.value('bitnet.embedding_length', 128)),
    'GGUF_INVALID',
    'token_embd.weight',
  ],
  ['no heads', () => edit((f) => f.value('bitnet.attention.head_count', 0)), 'GGUF_INVALID', 'head_count'],
  [
    'heads that do not share',
    () => edit((f) => f.value('bitnet.attention.head_count_kv', 3)),
    'GGUF_INVALID',
    'KV heads',
  ],
  ['odd heads', () => edit((f) => f.value('bitnet.attention.key_length', 31)), 'GGUF_UNSUPPORTED', ''],
  [
    'an end token outside the vocabulary',
    () => edit((f) => f.value('tokenizer.ggml.eos_token_id', 320)),
    'GGUF_INVALID',
    'eos_token_id',
  ],
  [
    'a tensor twice',
    () => edit((f) => f.rename('blk.0.attn_v.weight', 'blk.0.attn_k.weight')),
    'GGUF_INVALID',
    'blk.0.attn_k.weight',
  ],
  [
    'a tensor nobody knows',
    () => edit((f) => f.rename('blk.0.attn_v.weight', 'blk.0.attn_x.weight')),
    'GGUF_INVALID',
    'blk.0.attn_v',
  ],
  ['no dimensions', () => edit((f) => f.u32(f.tensor(Q).dimensions, 0)), 'GGUF_INVALID', Q],
  ['five dimensions', () => edit((f) => f.u32(f.tensor(Q).dimensions, 5)), 'GGUF_INVALID', Q],
  ['an extent of 0', () => edit((f) => f.u64(f.tensor(Q).extents, 0n)), 'GGUF_INVALID', Q],
  ['an extent of 2^63', () => edit((f) => f.u64(f.tensor(Q).extents + 8, 1n << 63n)), 'GGUF_INVALID', Q],
  [
    'a shape whose size overflows',
    () => edit((f) => f.u64(f.tensor(Q).extents, 1n << 32n).u64(f.tensor(Q).extents + 8, 1n << 32n)),
    'GGUF_INVALID',
    Q,
  ],
  ['rows that are no whole blocks', () => edit((f) => f.u64(f.tensor(Q).extents, 65n)), 'GGUF_INVALID', Q],
  [
    'a tensor larger than the file',
    () => edit((f) => f.u64(f.tensor(Q).extents + 8, 1n << 30n)),
    'GGUF_TRUNCATED',
    Q,
  ],
  ['a type this engine does not read', () => edit((f) => f.u32(f.tensor(Q).type, 3)), 'GGUF_UNSUPPORTED', Q],
  ['a misaligned tensor', () => edit((f) => f.u64(f.tensor(Q).offset, 33n)), 'GGUF_INVALID', Q],
  ['a tensor past the end', () => edit((f) => f.u64(f.tensor(Q).offset, 1n << 40n)), 'GGUF_TRUNCATED', Q],
  ['an offset of 2^64 − 32', () => edit((f) => f.u64(f.tensor(Q).offset, HUGE - 31n)), 'GGUF_TRUNCATED', Q],
  ['tensors over each other', () => edit((f) => f.u64(f.tensor(Q).offset, 0n)), 'GGUF_INVALID', 'overlap'],
  [
    'a scale that is no number',
    () => edit((f) => f.bytes.set([HALF_NAN & 255, HALF_NAN >> 8], f.data(Q))),
    'GGUF_INVALID',
    Q,
  ],
  [
    'a norm that is no number',
    () => edit((f) => f.u32(f.data('output_norm.weight'), 0x7fc00000)),
    'GGUF_INVALID',
    'output_norm.weight',
  ],
  [
    'an embedding that is infinite',
    () => edit((f) => f.bytes.set([0x00, 0x7c], f.data('token_embd.weight') + 2)),
    'GGUF_INVALID',
    'token_embd.weight',
  ],
]

describe('the native engine refuses', () => {
  test.each(CASES)('%s', async (_, bytes, code, named) => {
    const error = await refusal(bytes())
    expect(error.code, error.message).toBe(code)
    expect(error.message).toContain(named)
  })

  test('a file cut anywhere', async () => {
    const directoryEnd = new GgufSurgery(good).tensor('output_norm.weight').offset + 8
    const cuts = [
      4,
      8,
      20,
      24,
      40,
      300,
      directoryEnd - 1,
      directoryEnd,
      good.length - 5000,
      good.length - 300,
    ]
    for (const cut of cuts) {
      const error = await refusal(good.slice(0, cut))
      expect(error.code, `cut at ${cut}: ${error.message}`).toBe('GGUF_TRUNCATED')
    }
  })

  test('a path where no model is', async () => {
    expect((await refusal('/nowhere/at/all.gguf')).code).toBe('MODEL_NOT_FOUND')
    expect((await refusal(tmpdir())).code).toBe('MODEL_NOT_FOUND')
  })

  test('a kernel that does not run here', async () => {
    const error = await loadNativeEngine(good, { kernel: 'sve9', addon }).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'NATIVE_UNAVAILABLE' })
    expect(error.message).toContain('portable')
  })
})

test('a model is read from a file whose name has letters', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shard-native-'))
  try {
    const file = join(folder, 'Märchen 模型.gguf')
    writeFileSync(file, good)
    const engine = await loadNativeEngine(file, { addon })
    expect(engine.info.model.vocabSize).toBe(320)
    await engine.unload()
  } finally {
    rmSync(folder, { recursive: true })
  }
})

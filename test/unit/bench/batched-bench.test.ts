import { describe, expect, it } from 'vitest'
import { parseBatchedBench } from '../../bench/engine/batched-bench.ts'

/** The form of its table, with lines around it. */
const OUTPUT = `
main: n_kv_max = 1040, n_batch = 512, is_pp_shared = 1, n_threads = 2

|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |      T s |    S t/s |
|-------|--------|------|--------|----------|----------|----------|----------|----------|----------|
|   256 |      4 |    1 |    260 |    2.000 |   128.00 |    0.160 |    25.00 |    2.160 |   120.37 |
|   256 |      4 |    8 |    288 |    2.560 |   100.00 |    0.800 |    40.00 |    3.360 |    85.71 |

llama_print_timings: | not | a | table |
`

describe("llama-batched-bench's table", () => {
  it('gives a pass its share of the time', () => {
    expect(parseBatchedBench(OUTPUT)).toEqual([
      { rows: 1, passMs: 40, promptRate: 128 },
      { rows: 8, passMs: 200, promptRate: 100 },
    ])
  })

  it('may be absent', () => {
    expect(parseBatchedBench('error: unable to load model')).toEqual([])
  })
})

import type { MatrixType, Shape } from './shapes.ts'

export type ShapeTensor =
  | {
      readonly kind: 'matrix'
      readonly name: string
      readonly rows: number
      readonly columns: number
      readonly type: MatrixType
      /** Standard deviation of a weight. */
      readonly deviation: number
    }
  | { readonly kind: 'gain'; readonly name: string; readonly size: number; readonly mean: number }

/** Logits' standard deviation: texts vary, and the likeliest token is clear of the next. */
const LOGIT_DEVIATION = 3

/**
 * The tensors of a model in the file's order. Matrices keep the size of what they multiply; those that add to the residual
 * stream are scaled so that all layers together weigh about as much as the embedding, and the last norm sets the logits' size.
 */
export function shapeTensors(shape: Shape): ShapeTensor[] {
  const { architecture, layers, width, feedForward, headDim } = shape
  const query = shape.heads * headDim
  const kv = shape.kvHeads * headDim
  const gain = (name: string, size: number, mean = 1): ShapeTensor => ({ kind: 'gain', name, size, mean })
  const matrix = (
    name: string,
    rows: number,
    columns: number,
    { type = shape.type, deviation = 1 / Math.sqrt(columns) }: { type?: MatrixType; deviation?: number } = {},
  ): ShapeTensor => ({ kind: 'matrix', name, rows, columns, type, deviation })
  const residual = (columns: number) => ({ deviation: 1 / Math.sqrt(columns * layers) })
  const subNorms = architecture.startsWith('bitnet')
  const layer = (i: number): ShapeTensor[] => {
    const name = (part: string) => `blk.${i}.${part}.weight`
    return [
      gain(name('attn_norm'), width),
      matrix(name('attn_q'), query, width),
      matrix(name('attn_k'), kv, width),
      matrix(name('attn_v'), kv, width),
      ...(architecture === 'qwen3'
        ? [gain(name('attn_q_norm'), headDim), gain(name('attn_k_norm'), headDim)]
        : []),
      ...(subNorms ? [gain(name('attn_sub_norm'), query)] : []),
      matrix(name('attn_output'), width, query, residual(query)),
      gain(name('ffn_norm'), width),
      matrix(name('ffn_gate'), feedForward, width),
      matrix(name('ffn_up'), feedForward, width),
      ...(subNorms ? [gain(name('ffn_sub_norm'), feedForward)] : []),
      matrix(name('ffn_down'), width, feedForward, residual(feedForward)),
    ]
  }
  const { vocabulary, embedding, head } = shape
  return [
    matrix('token_embd.weight', vocabulary, width, { type: embedding, deviation: 1 }),
    ...Array.from({ length: layers }, (_, i) => layer(i)).flat(),
    gain('output_norm.weight', width, LOGIT_DEVIATION / Math.sqrt(width)),
    ...(head === null ? [] : [matrix('output.weight', vocabulary, width, { type: head, deviation: 1 })]),
  ]
}

import { describe, expect, it, onTestFinished } from 'vitest'
import { halfToNumber, roundToHalf } from '../../shared/engine/float16.ts'
import { requestDevice } from '../../shared/engine/wgsl/device.ts'
import { COPY_DST, COPY_SRC, MAP_READ, MODE_READ, STORAGE } from '../../shared/engine/wgsl/gpu-flags.ts'
import { HALVES } from '../../shared/engine/wgsl/kernels/half.wgsl.ts'
import { Pipelines } from '../../shared/engine/wgsl/pipelines.ts'
import { nodeGpu } from '../support/webgpu.ts'

const { device } = await requestDevice(nodeGpu())

const KERNEL = `
@group(0) @binding(0) var<storage, read> input: array<vec2<f32>>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4<u32>>;
${HALVES}
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  if (id.x >= arrayLength(&input)) { return; }
  let packed = halves(input[id.x]);
  let back = bitcast<vec2<u32>>(unpack2x16float(packed));
  result[id.x] = vec4<u32>(packed & 0xffffu, packed >> 16u, back);
}`

/** What the shader makes of every value: its 16 bits, and the float32 that these are unpacked to. */
async function onGpu(values: readonly number[]): Promise<{ bits: number[]; back: number[] }> {
  const input = Float32Array.from(values.length % 2 === 0 ? values : [...values, 0])
  const made: GPUBuffer[] = []
  onTestFinished(() => {
    for (const buffer of made) buffer.destroy()
  })
  const buffer = (size: number, usage: number) => {
    made.push(device.createBuffer({ size, usage }))
    return made.at(-1)!
  }
  const source = buffer(input.byteLength, STORAGE | COPY_DST)
  const result = buffer(2 * input.byteLength, STORAGE | COPY_SRC)
  const staging = buffer(2 * input.byteLength, MAP_READ | COPY_DST)
  device.queue.writeBuffer(source, 0, input)
  const { compute, layout } = await Pipelines.of(device).get('halves', ['read', 'write'], KERNEL)
  const entries = [source, result].map((one, binding) => ({ binding, resource: { buffer: one } }))
  const encoder = device.createCommandEncoder()
  const pass = encoder.beginComputePass()
  pass.setPipeline(compute)
  pass.setBindGroup(0, device.createBindGroup({ layout, entries }))
  pass.dispatchWorkgroups(Math.ceil(input.length / 128))
  pass.end()
  encoder.copyBufferToBuffer(result, 0, staging, 0, 2 * input.byteLength)
  device.queue.submit([encoder.finish()])
  await staging.mapAsync(MODE_READ)
  const words = new Uint32Array(staging.getMappedRange().slice(0))
  const floats = new Float32Array(words.buffer)
  const at = (from: ArrayLike<number>, part: number) =>
    values.map((_, i) => from[4 * (i >> 1) + part + (i & 1)]!)
  return { bits: at(words, 0), back: at(floats, 2) }
}

const float = new Float32Array(1)
const word = new Uint32Array(float.buffer)
/** The float32 that lies `steps` further from zero. */
function beside(value: number, steps: number): number {
  float[0] = value
  word[0]! += steps
  return float[0]!
}

describe('halves', () => {
  it('rounds to the nearest binary16, ties to even, from the least to the largest', async () => {
    const values: number[] = []
    for (let half = 0; half < 0x7c00; half++) {
      const value = halfToNumber(half)
      const next = half === 0x7bff ? 65536 : halfToNumber(half + 1)
      const tie = (value + next) / 2
      values.push(value, beside(value, 1), beside(tie, -1), tie, beside(tie, 1), beside(next, -1))
    }
    for (const sign of [1, -1]) {
      const signed = values.map((value) => sign * value)
      const { bits, back } = await onGpu(signed)
      const expected = signed.map(roundToHalf)
      expect(bits.findIndex((half, i) => !Object.is(halfToNumber(half), expected[i]))).toBe(-1)
      expect(back.findIndex((value, i) => !Object.is(value, expected[i]))).toBe(-1)
    }
  })

  it('makes nothing of what is too small, and infinite what is too large', async () => {
    const values = [
      2 ** -149,
      2 ** -127,
      2 ** -126,
      2 ** -26,
      beside(2 ** -25, -1),
      2 ** -25,
      65520,
      1e30,
      Infinity,
    ]
    const { bits } = await onGpu([...values, ...values.map((value) => -value)])
    const positive = [0, 0, 0, 0, 0, 0, 0x7c00, 0x7c00, 0x7c00]
    expect(bits).toEqual([...positive, ...positive.map((half) => half | 0x8000)])
  })
})

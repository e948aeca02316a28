import { EngineError } from '../engine-error.ts'

/** A device with what must be known about it before shaders are written for it. */
export interface ReadyDevice {
  readonly device: GPUDevice
  /** dot4I8Packed is in the language (packed_4x8_integer_dot_product). */
  readonly dot4: boolean
  /** The feature `subgroups` is enabled on the device. */
  readonly subgroups: boolean
  readonly report: DeviceReport
}

/** For logs and settings pages: what runs, and what this adapter lacks. */
export interface DeviceReport {
  /** Vendor, architecture and description, as far as the browser tells. */
  readonly adapter: string
  /** Rendered by the processor (SwiftShader and its like): correct, and slow. */
  readonly software: boolean
  readonly maxBufferBytes: number
  readonly maxBindingBytes: number
  /** One sentence for each thing that is missing and what follows from it. */
  readonly missing: readonly string[]
}

const DOT4 = 'packed_4x8_integer_dot_product'

/**
 * Asks for the fastest adapter and a device with its largest buffers.
 * @param gpu `navigator.gpu`, or what npm `webgpu` creates; undefined where there is no WebGPU
 * @throws {EngineError} WEBGPU_UNAVAILABLE, saying why
 */
export async function requestDevice(gpu: GPU | undefined): Promise<ReadyDevice> {
  if (gpu === undefined) {
    throw unavailable(
      'there is no WebGPU here: navigator.gpu is missing (an old browser, or an insecure page)',
    )
  }
  const adapter = await gpu.requestAdapter({ powerPreference: 'high-performance' })
  if (adapter === null) {
    throw unavailable(
      'WebGPU has no adapter here: hardware acceleration is off, or the graphics driver is on the browser’s block list',
    )
  }
  const subgroups = adapter.features.has('subgroups')
  const dot4 = gpu.wgslLanguageFeatures.has(DOT4)
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits
  let device: GPUDevice
  try {
    device = await adapter.requestDevice({
      label: 'shard',
      requiredFeatures: subgroups ? ['subgroups'] : [],
      requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
    })
  } catch (cause) {
    throw unavailable(`the adapter gives no device: ${messageOf(cause)}`, cause)
  }
  keptAlive.set(device, gpu)
  return { device, dot4, subgroups, report: describe(adapter, dot4, subgroups) }
}

/** In Node a device must not outlive its GPU object, which nothing else may hold. */
const keptAlive = new WeakMap<GPUDevice, GPU>()

function describe(adapter: GPUAdapter, dot4: boolean, subgroups: boolean): DeviceReport {
  const { vendor, architecture, description } = adapter.info
  const name = [vendor, architecture, description].filter((part) => part !== '').join(' ')
  const software = adapter.info.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(name)
  const missing: string[] = []
  if (software) missing.push('no graphics processor: the adapter is software, which is correct but slow')
  if (!dot4) missing.push(`no ${DOT4}: products are taken one byte at a time`)
  if (!subgroups) missing.push('no subgroups: maxima go through workgroup memory')
  return {
    adapter: name === '' ? 'unnamed adapter' : name,
    software,
    maxBufferBytes: adapter.limits.maxBufferSize,
    maxBindingBytes: adapter.limits.maxStorageBufferBindingSize,
    missing,
  }
}

export function unavailable(message: string, cause?: unknown): EngineError {
  return new EngineError('WEBGPU_UNAVAILABLE', message, { cause })
}

export function messageOf(error: unknown): string {
  // GPUError is no Error.
  return error !== null && typeof error === 'object' && 'message' in error
    ? String(error.message)
    : String(error)
}

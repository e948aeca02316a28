import { messageOf, unavailable } from './device.ts'
import { STAGE_COMPUTE } from './gpu-flags.ts'

/** What a shader's bindings hold, in their order. */
export type BindingKind = 'uniform' | 'read' | 'write'

export interface Pipeline {
  readonly compute: GPUComputePipeline
  readonly layout: GPUBindGroupLayout
}

const TYPES: Readonly<Record<BindingKind, GPUBufferBindingType>> = {
  uniform: 'uniform',
  read: 'read-only-storage',
  write: 'storage',
}

/** Compiles every shader once, all at the same time, and gives equal bindings one layout, so that they can be exchanged. */
export class Pipelines {
  static readonly #byDevice = new WeakMap<GPUDevice, Pipelines>()
  readonly #device: GPUDevice
  readonly #layouts = new Map<string, GPUBindGroupLayout>()
  readonly #pipelines = new Map<string, Promise<Pipeline>>()

  /** The device's own, so that a model loaded later compiles nothing again. */
  static of(device: GPUDevice): Pipelines {
    const known = Pipelines.#byDevice.get(device) ?? new Pipelines(device)
    Pipelines.#byDevice.set(device, known)
    return known
  }

  private constructor(device: GPUDevice) {
    this.#device = device
  }

  /** @param code WGSL whose entry point is `main`. @throws {EngineError} WEBGPU_UNAVAILABLE with the compiler's words */
  get(label: string, bindings: readonly BindingKind[], code: string): Promise<Pipeline> {
    const key = `${bindings.join()}\n${code}`
    let pipeline = this.#pipelines.get(key)
    if (pipeline === undefined) {
      pipeline = this.#compile(label, bindings, code)
      this.#pipelines.set(key, pipeline)
    }
    return pipeline
  }

  async #compile(label: string, bindings: readonly BindingKind[], code: string): Promise<Pipeline> {
    const layout = this.#layout(bindings)
    // Without a scope the page's console would show the error besides.
    this.#device.pushErrorScope('validation')
    const module = this.#device.createShaderModule({ label, code })
    const scope = this.#device.popErrorScope().catch(() => null)
    try {
      const compute = await this.#device.createComputePipelineAsync({
        label,
        layout: this.#device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: 'main' },
      })
      return { compute, layout }
    } catch (cause) {
      await scope
      const { messages } = await module.getCompilationInfo()
      const lines = code.split('\n')
      const said = messages.map(
        ({ type, message, lineNum }) =>
          `${type} in line ${lineNum}: ${message} (${lines[lineNum - 1]?.trim() ?? ''})`,
      )
      const why = said.length > 0 ? said.join('; ') : messageOf(cause)
      throw unavailable(`the shader ${label} does not compile here: ${why}`, cause)
    }
  }

  #layout(bindings: readonly BindingKind[]): GPUBindGroupLayout {
    const key = bindings.join()
    let layout = this.#layouts.get(key)
    if (layout === undefined) {
      layout = this.#device.createBindGroupLayout({
        label: key,
        entries: bindings.map((kind, binding) => ({
          binding,
          visibility: STAGE_COMPUTE,
          buffer: { type: TYPES[kind] },
        })),
      })
      this.#layouts.set(key, layout)
    }
    return layout
  }
}

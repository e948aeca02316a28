/** WebGPU's bit flags by their numbers (https://www.w3.org/TR/webgpu): in Node they are no globals, and TypeScript's library lacks them. */
export const MAP_READ = 0x0001
export const COPY_SRC = 0x0004
export const COPY_DST = 0x0008
export const UNIFORM = 0x0040
export const STORAGE = 0x0080
/** GPUMapMode.READ */
export const MODE_READ = 0x1
/** GPUShaderStage.COMPUTE */
export const STAGE_COMPUTE = 0x4

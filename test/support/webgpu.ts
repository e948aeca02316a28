import { existsSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { create } from 'webgpu'

/** Where browsers keep SwiftShader, the Vulkan driver in software, and a Vulkan loader beside it. */
const FOLDERS = ['/usr/lib/chromium', '/usr/lib/chromium-browser', '/opt/google/chrome']
/** RTLD_NODELETE: the library stays when Node finds that it is no addon. */
const RTLD_NODELETE = 0x1000

let gpu: GPU | null = null

/**
 * WebGPU in this process: Dawn, through npm `webgpu`, on the Vulkan driver that VK_ICD_FILENAMES names or else on the browser's
 * SwiftShader. @throws an Error that says what to install: these tests are never skipped
 */
export function nodeGpu(): GPU {
  if (gpu !== null) return gpu
  if (process.platform === 'linux' && process.env.VK_ICD_FILENAMES === undefined) chooseSwiftShader()
  gpu = create([]) as unknown as GPU
  return gpu
}

function chooseSwiftShader(): void {
  const browser = process.env.SHARD_TEST_BROWSER
  const folders = [...(browser && existsSync(browser) ? [dirname(realpathSync(browser))] : []), ...FOLDERS]
  const folder = folders.find((path) => existsSync(join(path, 'vk_swiftshader_icd.json')))
  if (folder === undefined) {
    throw new Error(
      `no vk_swiftshader_icd.json in ${folders.join(', ')}: the tests of the WGSL engine need a Chromium, whose software ` +
        'Vulkan driver they use. Run `npm test`, which installs one, or set SHARD_TEST_BROWSER to its executable, or ' +
        'VK_ICD_FILENAMES to a Vulkan driver of yours',
    )
  }
  // Dawn reads it when it starts; so does the loader.
  process.env.VK_ICD_FILENAMES = join(folder, 'vk_swiftshader_icd.json')
  const loader = join(folder, 'libvulkan.so.1')
  if (!existsSync(loader)) return
  // The system may have no Vulkan loader: load the browser's first, and Dawn's own dlopen finds it by its name.
  try {
    process.dlopen(
      { exports: {} },
      loader,
      constants.dlopen.RTLD_NOW | constants.dlopen.RTLD_GLOBAL | RTLD_NODELETE,
    )
  } catch {
    // It is no addon, as expected.
  }
}

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { ModelsFolder } from '../models/models-folder.ts'
import { assets } from '../packaged/assets.ts'
import type { SelfCommand } from '../packaged/self-command.ts'
import type { Home } from '../settings/home.ts'
import type { Settings } from '../settings/schema.ts'

export interface Startable {
  readonly startable: boolean
  /** Why not, or that it can be. */
  readonly why: string
}

/** Whether `shard serve` could run, as far as files tell: nothing is loaded for it, and nothing unpacked. */
export function startable(settings: Settings, home: Home, shard: SelfCommand): Startable {
  const missing = [shard.command, ...shard.args].find((path) => !existsSync(path))
  if (missing) return no(`${missing} is missing: build or install Shard again`)
  const model = settings['engine.model']
  const there =
    model === 'embedded'
      ? assets.list('models/embedded').includes('models/embedded/target.gguf')
      : existsSync(resolve(model)) || new ModelsFolder(home).find(model) !== undefined
  if (!there) return no(`there is no model at ${model} (setting engine.model)`)
  const addon = assets.list('build/native').includes('build/native/shard-engine.node')
  if (settings['engine.kind'] === 'native' && !addon)
    return no('the native engine is not built, and the setting engine.kind allows no other')
  return { startable: true, why: 'no daemon runs; one can be started' }
}

function no(why: string): Startable {
  return { startable: false, why }
}

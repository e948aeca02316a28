import { join, resolve } from 'node:path'
import envPaths from 'env-paths'

/** Where this user's files lie. */
export interface Home {
  /** settings.json */
  readonly config: string
  /** Keys, certificates, models: what must not be lost. */
  readonly data: string
  /** What can be made again. */
  readonly cache: string
}

/** The platform's usual folders, or everything under SHARD_HOME. */
export function homeFolders(env: NodeJS.ProcessEnv): Home {
  if (env.SHARD_HOME) {
    const root = resolve(env.SHARD_HOME)
    return { config: root, data: root, cache: join(root, 'cache') }
  }
  const { config, data, cache } = envPaths('shard', { suffix: '' })
  return { config, data, cache }
}

export function settingsFile(home: Home): string {
  return join(home.config, 'settings.json')
}

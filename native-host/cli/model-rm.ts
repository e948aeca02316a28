import { createInterface } from 'node:readline/promises'
import { ShardError } from '../daemon/shard-error.ts'
import { ModelsFolder } from '../models/models-folder.ts'
import { Registry } from '../models/registry.ts'
import { planRemoval, remove } from '../models/remove-model.ts'
import { homeFolders } from '../settings/home.ts'

/** `shard model rm NAME` */
export async function modelRemove(name: string, options: { readonly yes?: boolean }): Promise<void> {
  const plan = planRemoval(name, new ModelsFolder(homeFolders(process.env)), Registry.load())
  const files = plan.targets.join(', ')
  if (!options.yes) {
    if (!process.stdin.isTTY)
      throw new ShardError('USAGE', `${files} would be removed: add --yes when that is meant`)
    const terminal = createInterface({ input: process.stdin, output: process.stderr })
    const answer = await terminal.question(`Remove ${files}? Type yes: `)
    terminal.close()
    if (answer.trim().toLowerCase() !== 'yes') throw new ShardError('USAGE', 'nothing was removed')
  }
  await remove(plan)
  process.stdout.write(`${plan.name} is removed.\n`)
}

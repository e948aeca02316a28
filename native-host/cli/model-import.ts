import { ShardError } from '../daemon/shard-error.ts'
import { byteText } from '../models/byte-text.ts'
import { importModel } from '../models/import-model.ts'
import { ModelsFolder } from '../models/models-folder.ts'
import { homeFolders } from '../settings/home.ts'

export interface ImportFlags {
  readonly name?: string
  readonly link?: boolean
  readonly move?: boolean
  readonly json?: boolean
}

/** `shard model import FILE` */
export async function modelImport(file: string, flags: ImportFlags): Promise<void> {
  if (flags.link && flags.move) throw new ShardError('USAGE', 'either --link or --move, not both')
  const imported = await importModel(file, new ModelsFolder(homeFolders(process.env)), {
    how: flags.link ? 'link' : flags.move ? 'move' : 'copy',
    ...(flags.name !== undefined && { name: flags.name }),
    onNotice: (text) => process.stderr.write(`Note: ${text}.\n`),
  })
  process.stdout.write(
    flags.json
      ? `${JSON.stringify(imported, null, 2)}\n`
      : `${imported.name}: ${byteText(imported.bytes)} in ${imported.path}\nRun it: shard serve --model ${imported.name}\n`,
  )
}

import { basename } from 'node:path'
import { ProgressLine } from '../../../native-host/models/progress-line.ts'
import { type ShapeFileOptions, shapeFile, shapeFolder } from './shape-file.ts'

/** `shapeFile`, which tells on stderr how it goes. */
export async function shapeFileWithProgress(
  options: ShapeFileOptions,
  folder: string = shapeFolder(),
): Promise<string> {
  const line = new ProgressLine({
    isTerminal: process.stderr.isTTY,
    columns: process.stderr.columns ?? 120,
    write: (text) => process.stderr.write(text),
  })
  try {
    return await shapeFile(options, folder, (path, done, total) =>
      line.update(basename(path), { phase: 'fetching', done, total, resumed: 0 }),
    )
  } finally {
    line.end()
  }
}

/**
 * node test/bench/model.ts --shape 8b [--type TQ2_0] [--head F16] [--architecture NAME] [--seed N] [--folder DIR]: makes a
 * model of a published shape with random weights, unless it is there, and prints its path.
 */
import { parseArgs } from 'node:util'
import { TERNARY_TYPES } from '../support/pack-ternary.ts'
import { TABLE_TYPES } from '../support/random-table.ts'
import { choice, count, runMain } from './engine/arguments.ts'
import { shapeFolder } from './engine/shape-file.ts'
import { shapeFileWithProgress } from './engine/shape-progress.ts'
import { SHAPE_NAMES } from './engine/shapes.ts'

await runMain(async () => {
  const { values } = parseArgs({
    options: {
      shape: { type: 'string' },
      type: { type: 'string' },
      head: { type: 'string' },
      architecture: { type: 'string' },
      seed: { type: 'string', default: '1' },
      folder: { type: 'string', default: shapeFolder() },
    },
  })
  const { type, head, architecture } = values
  const shape = choice('--shape', values.shape, SHAPE_NAMES)
  const path = await shapeFileWithProgress(
    {
      shape,
      seed: count('--seed', values.seed, 0),
      ...(type !== undefined && { type: choice('--type', type, TERNARY_TYPES) }),
      ...(head !== undefined && { head: choice('--head', head, [...TABLE_TYPES, ...TERNARY_TYPES]) }),
      ...(architecture !== undefined && { architecture }),
    },
    values.folder,
  )
  process.stdout.write(`${path}\n`)
})

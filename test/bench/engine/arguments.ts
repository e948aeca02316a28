import { ContenderError } from './contender.ts'

/** What is wrong with a command line, for whoever typed it. */
export class ArgumentError extends Error {
  override readonly name = 'ArgumentError'
}

/** @throws {ArgumentError} when it is none of `allowed` */
export function choice<T extends string>(
  option: string,
  value: string | undefined,
  allowed: readonly T[],
): T {
  const found = allowed.find((one) => one === value)
  if (found === undefined) {
    throw new ArgumentError(
      `${option} takes one of ${allowed.join(', ')}${value === undefined ? '' : `, not ${value}`}`,
    )
  }
  return found
}

/** @throws {ArgumentError} when it is no whole number of at least `least` */
export function count(option: string, value: string, least = 1): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (!(number >= least && number <= 0x7fff_ffff)) {
    throw new ArgumentError(`${option} takes whole numbers from ${least} up, not ${value}`)
  }
  return number
}

/** Runs a command line's program: what is wrong goes to stderr, without a stack where it is the user's own. */
export async function runMain(main: () => Promise<void>): Promise<void> {
  try {
    await main()
  } catch (error) {
    const isOrderly =
      error instanceof ArgumentError ||
      error instanceof ContenderError ||
      (error instanceof Error && 'code' in error)
    process.stderr.write(`shard: ${isOrderly ? (error as Error).message : (error as Error).stack}\n`)
    process.exitCode = error instanceof ArgumentError ? 2 : 1
  }
}

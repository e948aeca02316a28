import { isSea } from 'node:sea'

/** What starts this program again: a verb and its flags follow `args`. */
export interface SelfCommand {
  readonly command: string
  readonly args: readonly string[]
}

/** The single executable alone, or Node with the script that this process runs. */
export function selfCommand(): SelfCommand {
  if (isSea()) return { command: process.execPath, args: [] }
  const script = process.argv[1]
  if (!script) throw new Error('this process was not started from a script')
  return nodeScript(script)
}

/** The same for a script that is not this process's own. */
export function nodeScript(script: string): SelfCommand {
  return { command: process.execPath, args: [script] }
}

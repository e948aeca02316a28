import { CommanderError } from 'commander'
import { EngineError } from '../shared/engine/engine-error.ts'
import { TokenizerError } from '../shared/tokenizer/tokenizer-error.ts'
import { createProgram } from './cli/program.ts'
import { EXIT, ShardError } from './daemon/shard-error.ts'
import { ModelError } from './models/model-error.ts'
import { SettingsError } from './settings/settings-error.ts'
import { TargetError } from './targets/target-error.ts'

/** One line for what its reader can do something about; the whole story for what nobody foresaw. */
function fail(error: unknown): never {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT.usage)
  const foreseen =
    error instanceof ShardError ||
    error instanceof ModelError ||
    error instanceof SettingsError ||
    error instanceof EngineError ||
    error instanceof TargetError ||
    error instanceof TokenizerError
  const text = foreseen
    ? error.message
    : error instanceof Error
      ? (error.stack ?? error.message)
      : String(error)
  process.stderr.write(`shard: ${text}\n`)
  if (error instanceof ShardError || error instanceof ModelError) process.exit(error.exitCode)
  process.exit(error instanceof SettingsError ? EXIT.usage : EXIT.failure)
}

const program = createProgram()
for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)])
  command.exitOverride()
// Not awaited: the single executable's script is CommonJS, which knows no await out here.
void program.parseAsync(process.argv).catch(fail)

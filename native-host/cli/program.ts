import { Command, Option } from 'commander'
import { version } from '../packaged/version.ts'
import { SCOUT_FLAGS, SHORT_FLAGS } from '../settings/names.ts'
import type { SettingKey } from '../settings/schema.ts'
import { addModelCommands } from './model-commands.ts'
import { addSettingOptions } from './setting-options.ts'

const SCOUT_KEYS: readonly SettingKey[] = [
  'scout.oracle',
  'scout.serve',
  'scout.capacity',
  'draft.model',
  'engine.kind',
  'engine.kernel',
  'engine.kv_cache',
  'engine.threads',
  'log.level',
]
const CLIENT_KEYS: readonly SettingKey[] = ['api.host', 'api.port', 'api.key']

/** The command line. Each verb loads its part when it is used, so that small ones start fast. */
export function createProgram(): Command {
  const program = new Command('shard')
    .description('Pooled, verified inference of 1.58-bit language models on ordinary computers')
    .version(version, '-V, --version')
    .showHelpAfterError('(--help shows what there is)')
    .configureHelp({ sortSubcommands: false })

  const serve = program
    .command('serve')
    .description('run an Oracle: engine, mesh, OpenAI-compatible API, chat page')
  const serveFlags = addSettingOptions(serve, SHORT_FLAGS)
  serve.addOption(new Option('--background-log <file>').hideHelp())
  serve.action(async () => (await import('./serve.ts')).serve(serveFlags, serve))

  const scout = program.command('scout').description('run a headless Scout that drafts for an Oracle')
  const scoutFlags = addSettingOptions(scout, SCOUT_FLAGS, SCOUT_KEYS)
  scout
    .option('--home <folder>', "the Scout's own folder, with its key (default: scout/ in the data folder)")
    .addOption(new Option('--fault <fault>').hideHelp())
    .action(async (options) => (await import('./scout.ts')).scout(scoutFlags, options))

  const run = program
    .command('run [prompt...]')
    .description('stream an answer from the running daemon; drafted and accepted tokens are tinted')
    .option('--url <url>', 'the daemon, such as http://127.0.0.1:8080')
    .option(
      '-m, --model <name>',
      'an installed model, loaded when it is not; default: the one that is loaded',
    )
    .option('--keep-alive <duration>', 'how long the model stays loaded afterwards: seconds, 5m, 0, -1')
    .option('--system <text>', 'what the model is told first')
    .option('-n, --max-tokens <number>', 'longest answer')
    .option('-t, --temperature <number>', '0 = always the likeliest token')
    .option('--seed <integer>', 'the same seed gives the same text')
    .option('--raw', 'continue the text itself, without the chat form')
    .option('--stats', 'say at the end how fast it was and who helped (default on a terminal)')
    .option('--color', 'tint even where stdout is no terminal')
    .option('--no-color', 'never tint')
  const runFlags = addSettingOptions(run, {}, CLIENT_KEYS)
  // commander sets `color` to true by itself when there is a --no-color.
  run.setOptionValueWithSource('color', undefined, 'default')
  run.action(async (words, options) => (await import('./run.ts')).run(words, options, runFlags))

  const status = program
    .command('status')
    .description('how the running daemon is, and who helps')
    .option('--url <url>', 'the daemon, such as http://127.0.0.1:8080')
    .option('--json', 'for programs')
  const statusFlags = addSettingOptions(status, {}, CLIENT_KEYS)
  status.action(async (options) => (await import('./status.ts')).status(options, statusFlags))

  program
    .command('stop')
    .description('end the running daemon in order')
    .action(async () => (await import('./stop.ts')).stop())

  const device = program
    .command('device')
    .description("the owner's devices, whose Scouts see prompts and who may ask over the mesh")
  device
    .command('list')
    .description('devices that are paired with the running daemon')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./device.ts')).deviceList(options))
  device
    .command('invite')
    .description('a link that pairs one device, once: paste it into its extension')
    .option('--hours <number>', 'how long it is good for', '24')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./device.ts')).deviceInvite(options))
  device
    .command('remove <peer-id>')
    .description('unpair a device')
    .action(async (peerId) => (await import('./device.ts')).deviceRemove(peerId))

  addModelCommands(program)

  program
    .command('logits')
    .description('teacher-forced logits of a model: float32 little-endian, one row a token')
    .option('--model <file>', 'an installed model, a GGUF file, or embedded', 'embedded')
    .requiredOption('--tokens <ids>', 'token ids, such as 1,2,3')
    .requiredOption('--out <file>', 'where to write')
    .option('--engine <kind>', 'auto, native or reference', 'auto')
    .option('--kernel <name>', "the native engine's kernels")
    .action(async (options) => (await import('./logits.ts')).logits(options))

  const settings = program
    .command('settings')
    .description('all settings with their values and where these come from')
    .option('--json', 'for programs')
  const settingsFlags = addSettingOptions(settings, SHORT_FLAGS)
  settings.action(async (options) => (await import('./settings.ts')).settings(options, settingsFlags))

  const collect = (one: string, before: readonly string[]) => [...before, one]
  program
    .command('install')
    .description("tell this user's browsers where the Shard extension finds this program")
    .option(
      '--browser <name>',
      'chrome, chromium, edge, brave, vivaldi or firefox; repeatable (default: those found here)',
      collect,
      [],
    )
    .option(
      '--user-data-dir <folder>',
      "a Chromium browser's profile that lies elsewhere; repeatable",
      collect,
      [],
    )
    .option('--dry-run', 'only say what would be written')
    .option('--force', 'write over manifests of another installation')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./install.ts')).install(options))
  program
    .command('uninstall')
    .description('stop the daemon and take away what install wrote; keys, models and settings stay')
    .option('--purge', 'remove keys, models and settings, too')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only say what would be removed')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./uninstall.ts')).uninstall(options))
  program
    .command('doctor')
    .description(
      'look for what is wrong between browser, bridge, daemon, model and machine, and say what to do',
    )
    .option('--json', 'for programs')
    .action(async (options) => (await import('./doctor.ts')).doctor(options))

  program
    .command('bridge', { hidden: true })
    .description('native messaging with the extension, started by the browser')
    .argument('[caller...]')
    .allowUnknownOption()
    .action(async (caller) => (await import('./bridge.ts')).bridge(caller))

  program
    .command('engine', { hidden: true })
    .description("the engine's own process, started by the daemon")
    .action(async () => (await import('../engine/engine-process.ts')).runEngineProcess())

  return program
}

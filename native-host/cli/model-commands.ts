import type { Command } from 'commander'
import type { ShortFlags } from '../settings/names.ts'
import { addSettingOptions } from './setting-options.ts'

const PULL_FLAGS: ShortFlags = { '--host': 'models.host', '--connections': 'models.connections' }

/** `shard model …`; each verb loads its part when it is used. */
export function addModelCommands(program: Command): void {
  const model = program.command('model').description('models on this machine, and those that can be fetched')
  model
    .command('list')
    .description('models that are here; --all shows those of the registry, too')
    .option('--all', 'also what can be pulled by name')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./model-list.ts')).modelList(options))
  const pull = model
    .command('pull')
    .description(
      'fetch a model by its name, as hf:owner/repo/file.gguf or from an address; goes on where it stopped',
    )
    .argument('<source>')
    .option('--name <name>', 'what it is called here')
    .option('--sha256 <hex>', "the file's checksum, where you know it")
    .option('--tokenizer <repo>', 'owner/repo with tokenizer.json and tokenizer_config.json')
    .option('--no-tokenizer', 'the model alone')
    .option('--force', 'fetch it again though it is here')
    .option('--json', 'for programs: the result on stdout')
  const pullFlags = addSettingOptions(pull, PULL_FLAGS, ['models.host', 'models.connections'])
  pull.action(async (source, options) =>
    (await import('./model-pull.ts')).modelPull(source, options, pullFlags),
  )
  model
    .command('show')
    .description('one model: size, bits per weight, memory at a context, licence, tokenizer, partners')
    .argument('<model>', "an installed model's name, one of the registry, a GGUF file, or embedded")
    .option(
      '--context <tokens>',
      'memory with so many tokens in the KV cache (default: all that the model takes)',
    )
    .option('--kv-cache <type>', 'memory with the KV cache in f16 or q8 (default: setting engine.kv_cache)')
    .option('--json', 'for programs')
    .action(async (name, options) => (await import('./model-show.ts')).modelShow(name, options))
  model
    .command('rm')
    .description('remove an installed model, or the parts of one')
    .argument('<name>')
    .option('--yes', 'do not ask')
    .action(async (name, options) => (await import('./model-rm.ts')).modelRemove(name, options))
  model
    .command('import')
    .description('put a GGUF file and the tokenizer beside it into the models folder')
    .argument('<file>')
    .option('--name <name>', "what it is called here (default: the file's name)")
    .option('--link', 'only a link: the file stays where it is')
    .option('--move', 'move it instead of copying it')
    .option('--json', 'for programs')
    .action(async (file, options) => (await import('./model-import.ts')).modelImport(file, options))
}

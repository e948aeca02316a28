import { byteText } from '../models/byte-text.ts'
import { Hub } from '../models/hub.ts'
import { introduction } from '../models/introduction.ts'
import { ModelError } from '../models/model-error.ts'
import { parseSource } from '../models/model-source.ts'
import { ModelsFolder } from '../models/models-folder.ts'
import { ProgressLine } from '../models/progress-line.ts'
import { pullModel } from '../models/pull-model.ts'
import { Registry } from '../models/registry.ts'
import { type LoadedSettings, loadSettings } from '../settings/load.ts'

export interface PullFlags {
  readonly name?: string
  readonly sha256?: string
  /** False with --no-tokenizer; commander makes it true by itself otherwise. */
  readonly tokenizer?: string | boolean
  readonly force?: boolean
  readonly json?: boolean
}

/** `shard model pull NAME|hf:owner/repo/file|URL` */
export async function modelPull(
  text: string,
  flags: PullFlags,
  settingFlags: ReadonlyMap<string, string>,
): Promise<void> {
  const short = { '--host': 'models.host', '--connections': 'models.connections' } as const
  const loaded = loadSettings({ env: process.env, flags: settingFlags, short })
  const token = process.env.HF_TOKEN?.trim()
  const hub = new Hub({ host: hostOf(loaded), ...(token && { token }) })
  const source = parseSource(text, Registry.load(), hub, {
    ...(flags.name !== undefined && { name: flags.name }),
    ...(flags.sha256 !== undefined && { sha256: flags.sha256 }),
    ...(typeof flags.tokenizer === 'string' && { tokenizer: flags.tokenizer }),
  })
  const line = new ProgressLine({
    isTerminal: process.stderr.isTTY === true && process.env.TERM !== 'dumb',
    get columns() {
      return process.stderr.columns ?? 100
    },
    write: (chunk) => process.stderr.write(chunk),
  })
  const { entry } = source
  for (const said of entry === null ? [] : introduction(entry)) line.say(said)
  const stop = cancelOnSignals()
  try {
    const pulled = await pullModel(source, new ModelsFolder(loaded.home), hub, {
      connections: loaded.settings['models.connections'],
      signal: stop.signal,
      force: flags.force === true,
      withoutTokenizer: flags.tokenizer === false,
      onProgress: (file, progress) => line.update(file, progress),
      onNotice: (notice) => line.say(`Note: ${notice}.`),
    })
    line.end()
    if (flags.json) {
      process.stdout.write(`${JSON.stringify(pulled, null, 2)}\n`)
      return
    }
    const checked = pulled.checked_by === null ? 'not checked' : `as ${checkedBy(pulled.checked_by)} has it`
    process.stdout.write(
      `${pulled.name}: ${byteText(pulled.bytes)} in ${pulled.path}\nSHA-256 ${pulled.sha256 ?? 'unknown'}, ${checked}\nRun it: shard serve --model ${pulled.name}\n`,
    )
  } finally {
    line.end()
    stop.end()
  }
}

function checkedBy(who: string): string {
  return who === '--sha256' ? 'you gave it' : `the ${who}`
}

/** The setting; where nobody set it, HF_ENDPOINT, as Hugging Face's own tools have it. */
function hostOf({ settings, sources }: LoadedSettings): string {
  const endpoint = process.env.HF_ENDPOINT?.trim()
  return endpoint && !sources.has('models.host') ? endpoint : settings['models.host']
}

/** The first signal ends it in order, so that everything that came is written down; the second at once. */
function cancelOnSignals(): { readonly signal: AbortSignal; end(): void } {
  const controller = new AbortController()
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const cancel = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(
      new ModelError('CANCELLED', 'stopped; what came is kept, and the same command goes on from there'),
    )
  }
  for (const name of signals) process.on(name, cancel)
  return {
    signal: controller.signal,
    end: () => {
      for (const name of signals) process.off(name, cancel)
    },
  }
}

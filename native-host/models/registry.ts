import { z } from 'zod'
import { assets } from '../packaged/assets.ts'
import { ModelError } from './model-error.ts'

/** What a model is called on the command line, and its folder: no path separators, no leading dot. */
export const MODEL_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/

const name = z.string().regex(MODEL_NAME)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
/** `owner/repo` on a hub. */
export const REPO = /^[\w.-]{1,96}\/[\w.-]{1,96}$/
const repo = z.string().regex(REPO)
/** A branch, tag or commit. */
export const REVISION = /^[\w./-]{1,128}$/
const revision = z.string().regex(REVISION)

const source = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('embedded'), role: z.enum(['target', 'draft']) }),
  z.strictObject({
    kind: z.literal('hub'),
    repo,
    revision,
    file: z.string().regex(/^[\w.-]+(\/[\w.-]+)*\.gguf$/),
  }),
  /** Runs in the browser, through WebLLM's own library of models: there is no file to pull. */
  z.strictObject({ kind: z.literal('webllm'), model: z.string().min(1) }),
])

const entrySchema = z
  .strictObject({
    name,
    title: z.string().min(1),
    roles: z.array(z.enum(['target', 'draft'])).min(1),
    /** As GGUF's general.architecture has it; null where there is no GGUF. */
    architecture: z.string().nullable(),
    /** null = not known before the file is there. */
    parameters: z.int().positive().nullable(),
    /** How activations are quantised to int8: as the model was trained. */
    activations: z.enum(['per-token', 'per-group']).nullable(),
    licence: z.strictObject({ name: z.string().min(1), url: z.url().nullable() }),
    source,
    /** Where the tokenizer's files are; null where the model brings its own. */
    tokenizer: z
      .strictObject({
        repo,
        revision,
        files: z.tuple([z.literal('tokenizer.json'), z.literal('tokenizer_config.json')]),
      })
      .nullable(),
    approx_bytes: z.int().positive().nullable(),
    /** Of the file; null = what the hub says is taken. */
    sha256: sha256.nullable(),
    /** Models of one family should have one tokenizer; their hashes decide. */
    tokenizer_family: z.string().min(1),
    /** As the engine reports it; null = to be confirmed at the first load. */
    tokenizer_hash: sha256.nullable(),
    /** Whether this version's engine runs it; `why` says what is missing. */
    runs: z.boolean(),
    why: z.string().min(1).nullable(),
  })
  .refine(({ runs, why }) => runs === (why === null), 'a model that does not run says why, and only that')

export type RegistryEntry = Readonly<z.output<typeof entrySchema>>

const registrySchema = z
  .strictObject({
    version: z.literal(1),
    models: z.array(entrySchema).min(1),
    pairs: z.array(z.strictObject({ target: name, draft: name })),
  })
  .superRefine(({ models, pairs }, context) => {
    const byName = new Map(models.map((model) => [model.name, model]))
    if (byName.size !== models.length) context.addIssue('two models have one name')
    for (const { target, draft } of pairs) {
      const [one, other] = [byName.get(target), byName.get(draft)]
      if (!one?.roles.includes('target')) context.addIssue(`pair with ${target}, which is no target`)
      if (!other?.roles.includes('draft')) context.addIssue(`pair with ${draft}, which is no draft`)
      if (one?.tokenizer_family !== other?.tokenizer_family)
        context.addIssue(`${target} and ${draft} have different tokenizers`)
    }
  })

/** Models that Shard knows of: models/registry.json. */
export class Registry {
  readonly models: readonly RegistryEntry[]
  readonly pairs: readonly { readonly target: string; readonly draft: string }[]

  /** @throws {ModelError} REGISTRY_INVALID */
  constructor(json: unknown) {
    const result = registrySchema.safeParse(json)
    if (!result.success)
      throw new ModelError('REGISTRY_INVALID', `models/registry.json: ${z.prettifyError(result.error)}`)
    this.models = result.data.models
    this.pairs = result.data.pairs
  }

  /** The one that comes with the program. */
  static load(): Registry {
    return new Registry(JSON.parse(Buffer.from(assets.read('models/registry.json')).toString()))
  }

  find(name: string): RegistryEntry | undefined {
    const wanted = name.toLowerCase()
    return this.models.find((model) => model.name === wanted)
  }

  /** Names of drafts that are listed with a target, and the other way round. */
  partners(name: string): { readonly drafts: readonly string[]; readonly targets: readonly string[] } {
    return {
      drafts: this.pairs.filter(({ target }) => target === name).map(({ draft }) => draft),
      targets: this.pairs.filter(({ draft }) => draft === name).map(({ target }) => target),
    }
  }
}

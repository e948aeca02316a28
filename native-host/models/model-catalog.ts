import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { KvCacheType } from '../../shared/engine/kv-cache-type.ts'
import { modelFile } from '../daemon/model-files.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { choosePacking, type PackingWish, type WeightPacking } from '../engine/weight-packing.ts'
import { type DescribedModel, describeModel } from './described-model.ts'
import { memoryAt } from './model-facts.ts'
import { modelId } from './model-id.ts'
import type { InstalledModel, ModelsFolder } from './models-folder.ts'
import { hasTokenizer } from './tokenizer-files.ts'

/** A model as requests name it. */
export interface CatalogModel extends DescribedModel {
  /** What `/v1/models` calls it: an installed model's name, else its title in an id's form. */
  readonly id: string
  /** Of the file, in seconds since 1970. */
  readonly createdS: number
  /** Why it cannot be loaded, as far as its head and its folder tell; null = it can. */
  readonly hindrance: string | null
  /** Memory that it needs at least: its weights, and one conversation's KV cache. */
  readonly needBytes: number
  /** How its ternary weights are to be kept, which `needBytes` reckons with. */
  readonly packing: WeightPacking
}

/** How this Oracle keeps models in memory. */
export interface ModelKeeping {
  readonly kvCache: KvCacheType
  readonly packing: PackingWish
  /** Memory of the machine that this process may use. */
  readonly machineBytes: number
}

/** A conversation that a model must have room for. */
const LEAST_CONTEXT = 4096

/**
 * The models that requests may name: the Oracle's own (setting `engine.model`), the embedded one, and what lies in the
 * models folder at the moment. Nothing else: no request names a path.
 */
export class ModelCatalog {
  readonly #folder: ModelsFolder
  readonly #own: string
  readonly #keeping: ModelKeeping
  /** By path; good while the file's size and time stay. Heads of large vocabularies take a while to read. */
  readonly #described = new Map<string, { readonly stamp: string; readonly model: Promise<DescribedModel> }>()

  /** @param own file of the Oracle's own model */
  constructor(folder: ModelsFolder, own: string, keeping: ModelKeeping) {
    this.#keeping = keeping
    this.#folder = folder
    this.#own = own
  }

  /** The Oracle's own first. */
  async all(): Promise<CatalogModel[]> {
    const files = this.#files()
    const found: (Omit<CatalogModel, 'id'> | null)[] = []
    // One after the other: each head may take some MB.
    for (const file of files) found.push(await this.#describe(file).catch(() => null))
    const taken = new Set<string>()
    const installed = new Set(files.filter((file) => this.#isInstalled(file)).map(({ name }) => name))
    return found.flatMap((model, i) => {
      // A file that went away while it was looked at.
      if (model === null) return []
      const file = files[i]!
      const titled = modelId(model.facts?.title ?? '')
      // Folders may hold several files, and titles may be anybody's: the first has the name.
      const names = this.#isInstalled(file)
        ? [file.name, basename(file.path, '.gguf')]
        : [installed.has(titled) ? '' : titled, file.name]
      const id = names.find((name) => name !== '' && !taken.has(name.toLowerCase()))
      if (id === undefined) return []
      taken.add(id.toLowerCase())
      return [{ ...model, id }]
    })
  }

  /** By id, name or title, in any case of letters. */
  async find(name: string): Promise<CatalogModel | undefined> {
    const wanted = name.toLowerCase()
    const models = await this.all()
    return (
      models.find(({ id }) => id.toLowerCase() === wanted) ??
      models.find((model) => [model.name, model.facts?.title].some((one) => one?.toLowerCase() === wanted)) ??
      models.find(({ facts }) => facts?.title != null && modelId(facts.title) === wanted)
    )
  }

  /** @throws {ShardError} MODEL_NOT_FOUND when its file has gone */
  async own(): Promise<CatalogModel> {
    const own = (await this.all()).find(({ path }) => path === this.#own)
    if (own !== undefined) return own
    throw new ShardError('MODEL_NOT_FOUND', `there is no model at ${this.#own} any more`)
  }

  #files(): InstalledModel[] {
    const embedded = { name: 'embedded', path: modelFile('embedded', 'target'), folder: null }
    const installed = this.#folder.installed()
    const given = { name: basename(this.#own, '.gguf'), path: this.#own, folder: null }
    const all = [embedded, ...installed]
    const own = all.find(({ path }) => path === this.#own) ?? given
    return [own, ...all.filter((model) => model !== own)]
  }

  #isInstalled({ folder, path }: InstalledModel): boolean {
    return folder !== null || dirname(path) === this.#folder.path
  }

  async #describe(file: InstalledModel): Promise<Omit<CatalogModel, 'id'>> {
    const { size, mtimeMs } = await stat(file.path)
    const stamp = `${size} ${mtimeMs}`
    const known = this.#described.get(file.path)
    const model = known?.stamp === stamp ? known.model : describeModel(file)
    this.#described.set(file.path, { stamp, model })
    const described = await model
    const { facts, bytes } = described
    const { kvCache, machineBytes } = this.#keeping
    const packing = choosePacking(this.#keeping.packing, facts ?? { twoBitBytes: 0 }, machineBytes)
    const context = Math.min(LEAST_CONTEXT, facts?.contextLength ?? LEAST_CONTEXT)
    return {
      ...described,
      createdS: Math.floor(mtimeMs / 1000),
      hindrance: described.fault ?? facts?.refused ?? this.#missing(file),
      needBytes:
        (facts && memoryAt(facts, context, kvCache, packing)) ?? facts?.residentBytes[packing] ?? bytes,
      packing,
    }
  }

  #missing({ path }: InstalledModel): string | null {
    return hasTokenizer(dirname(path))
      ? null
      : `its tokenizer.json and tokenizer_config.json are not beside it, in ${dirname(path)}`
  }
}

import { type Hub, parseHttpUrl } from './hub.ts'
import { ModelError } from './model-error.ts'
import { MODEL_NAME, REPO, REVISION, type Registry, type RegistryEntry } from './registry.ts'

/** What `shard model pull` was asked for. */
export interface ModelSource {
  /** Its folder's name. */
  readonly name: string
  readonly url: string
  /** Name of the GGUF file. */
  readonly file: string
  readonly entry: RegistryEntry | null
  readonly sha256: string | null
  /** Addresses of tokenizer.json and tokenizer_config.json; `listed` ones must be there. */
  readonly tokenizer: { readonly listed: boolean; readonly urls: readonly string[] } | null
}

export interface SourceOptions {
  /** Another name for the folder. */
  readonly name?: string
  /** `owner/repo` or `owner/repo@revision`, where the tokenizer is. */
  readonly tokenizer?: string
  readonly sha256?: string
}

const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json'] as const
const FORMS = 'expected a name of `shard model list --all`, hf:owner/repo/file.gguf or an address'

/** @throws {ModelError} BAD_SOURCE, UNKNOWN_MODEL, NOT_PULLABLE */
export function parseSource(
  text: string,
  registry: Registry,
  hub: Hub,
  options: SourceOptions = {},
): ModelSource {
  const source = sourceOf(text, registry, hub)
  const { name = source.name, tokenizer, sha256 } = options
  if (!MODEL_NAME.test(name))
    throw new ModelError(
      'BAD_SOURCE',
      `${JSON.stringify(name)} is no name for a model: --name takes small letters, digits and . _ -`,
    )
  const wanted = sha256?.toLowerCase()
  if (wanted !== undefined && !/^[0-9a-f]{64}$/.test(wanted))
    throw new ModelError('BAD_SOURCE', `--sha256 must be 64 hexadecimal digits, not ${sha256}`)
  return {
    ...source,
    name,
    ...(wanted !== undefined && { sha256: wanted }),
    ...(tokenizer !== undefined && { tokenizer: { listed: true, urls: tokenizerUrls(hub, tokenizer) } }),
  }
}

function sourceOf(text: string, registry: Registry, hub: Hub): ModelSource {
  if (text.startsWith('hf:')) return hubSource(text, hub)
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return urlSource(text, hub)
  const entry = registry.find(text)
  if (entry === undefined)
    throw new ModelError('UNKNOWN_MODEL', `no model is called ${JSON.stringify(text)}: ${FORMS}`)
  const { name, source, tokenizer, sha256 } = entry
  if (source.kind === 'embedded')
    throw new ModelError('NOT_PULLABLE', `${name} comes with Shard: there is nothing to fetch`)
  if (source.kind === 'webllm')
    throw new ModelError('NOT_PULLABLE', `${name} is fetched by the browser that drafts with it, not here`)
  return {
    name,
    url: hub.urlOf(source),
    file: source.file.split('/').at(-1)!,
    entry,
    sha256,
    tokenizer: tokenizer && {
      listed: true,
      urls: tokenizer.files.map((file) => hub.urlOf({ ...tokenizer, file })),
    },
  }
}

/** hf:owner/repo/path/file.gguf, hf:owner/repo@revision/file.gguf */
function hubSource(text: string, hub: Hub): ModelSource {
  const [, owner, repository, path] = /^hf:([^/]+)\/([^/]+)\/(.+)$/.exec(text) ?? []
  if (owner === undefined || repository === undefined || path === undefined) throw badSource(text)
  const { repo, revision } = parseRepo(`${owner}/${repository}`)
  const file = path.split('/').at(-1)!
  if (!isGgufName(file) || path.split('/').some((part) => part === '' || part.startsWith('.')))
    throw badSource(text)
  return {
    name: nameOf(file, repo.split('/')[1]!),
    url: hub.urlOf({ repo, revision, file: path }),
    file,
    entry: null,
    sha256: null,
    tokenizer: {
      listed: false,
      urls: TOKENIZER_FILES.map((name) => hub.urlOf({ repo, revision, file: name })),
    },
  }
}

function urlSource(text: string, hub: Hub): ModelSource {
  const url = parseHttpUrl(text, 'the address')
  // The page about a file, which is what browsers show: the file is beside it.
  if (hub.owns(url)) url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, '$1/resolve/')
  const file = decodeURIComponent(url.pathname.split('/').at(-1) ?? '')
  if (!isGgufName(file)) throw badSource(text)
  return { name: nameOf(file, 'model'), url: url.href, file, entry: null, sha256: null, tokenizer: null }
}

function tokenizerUrls(hub: Hub, text: string): string[] {
  const { repo, revision } = parseRepo(text.replace(/^hf:/, ''))
  return TOKENIZER_FILES.map((file) => hub.urlOf({ repo, revision, file }))
}

function parseRepo(text: string): { repo: string; revision: string } {
  const [repo = '', revision = 'main'] = text.split('@')
  if (!REPO.test(repo) || !REVISION.test(revision))
    throw new ModelError('BAD_SOURCE', `${JSON.stringify(text)} is no owner/repo or owner/repo@revision`)
  return { repo, revision }
}

/** A file's name that is safe as ours. */
function isGgufName(file: string): boolean {
  return /^[\w][\w.+ -]{0,180}\.gguf$/i.test(file)
}

/** Files with names that say nothing (`ggml-model-i2_s.gguf`) are called as their repository. */
function nameOf(file: string, repository: string): string {
  const stem = file.replace(/\.gguf$/i, '')
  const said = /^(ggml-)?model\b/i.test(stem) ? repository.replace(/-gguf$/i, '') : stem
  return said
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 100)
}

function badSource(text: string): ModelError {
  return new ModelError('BAD_SOURCE', `${JSON.stringify(text)} names no GGUF file: ${FORMS}`)
}

import { Template } from '@huggingface/jinja'
import { Tokenizer as HubTokenizer } from '@huggingface/tokenizers'
import { bytesOfPiece } from '../engine/byte-alphabet.ts'
import { type HashedToken, hashTokens } from '../engine/tokenizer-hash.ts'
import { MarkerShield } from './marker-shield.ts'
import { TokenizerError } from './tokenizer-error.ts'

const CHAT_ROLES = ['system', 'developer', 'user', 'assistant', 'tool'] as const
export type ChatRole = (typeof CHAT_ROLES)[number]

export interface ChatMessage {
  readonly role: ChatRole
  readonly content: string
}

export interface ChatOptions {
  /** Ends with the marker after which the assistant speaks. Default true. */
  readonly addGenerationPrompt?: boolean
}

/** Hugging Face's tokenizer.json, as far as it is looked at here. */
interface TokenizerFile {
  readonly added_tokens?: readonly { readonly id: number; readonly content: string }[]
  readonly decoder?: unknown
  readonly model?: { readonly type?: string; readonly vocab?: Readonly<Record<string, number>> }
}

const encoder = new TextEncoder()

/** A byte-level BPE tokenizer with its chat template. Text becomes ids and ids become bytes; nothing here knows a model. */
export class Tokenizer {
  /** The same as the engine's `tokenizerHash` when a model speaks this vocabulary. */
  readonly hash: string
  /** Ids of all markers (special and other added tokens): they stand for no text. */
  readonly specialIds: ReadonlySet<number>
  /** Ids that belong before any text (a begin-of-text token); empty for many models. */
  readonly prefix: readonly number[]
  readonly hasChatTemplate: boolean
  /** Knows no markers at all: whatever is spelled stays text. */
  readonly #plain: HubTokenizer
  readonly #markers: ReadonlyMap<string, number>
  readonly #markerPattern: RegExp | null
  readonly #bytes: readonly (Uint8Array | undefined)[]
  readonly #template: Template | null
  readonly #templateVariables: Readonly<Record<string, unknown>>

  private constructor(parts: Parts, hash: string) {
    this.hash = hash
    this.#markers = parts.markers
    this.specialIds = new Set(parts.markers.values())
    this.prefix = parts.prefix
    this.#plain = parts.plain
    this.#bytes = parts.bytes
    this.#template = parts.template
    this.#templateVariables = parts.templateVariables
    this.hasChatTemplate = parts.template !== null
    const spellings = [...parts.markers.keys()].sort((a, b) => b.length - a.length)
    this.#markerPattern =
      spellings.length === 0 ? null : new RegExp(`(${spellings.map(RegExp.escape).join('|')})`, 'g')
  }

  /**
   * @param file parsed tokenizer.json @param config parsed tokenizer_config.json
   * @throws {TokenizerError} TOKENIZER_INVALID, TOKENIZER_UNSUPPORTED
   */
  static async load(file: unknown, config: unknown): Promise<Tokenizer> {
    const parts = readParts(file, config)
    return new Tokenizer(parts, await hashTokens(parts.text))
  }

  /** Ids from 0 to below this number may occur. */
  get size(): number {
    return this.#bytes.length
  }

  /** Text to ids; a spelled marker stays text. */
  encode(text: string): number[] {
    return text === '' ? [] : this.#plain.encode(text, { add_special_tokens: false }).ids
  }

  /** Like `encode`, but markers spelled in `text` become themselves: for prompts that their author formats himself. */
  encodeMarked(text: string): number[] {
    return this.#encodeSections(text, (section) => section)
  }

  /**
   * A conversation through the model's chat template. Whatever the contents spell, only the template makes markers.
   * @throws {TokenizerError} CHAT_UNSUPPORTED, CHAT_INVALID
   */
  encodeChat(messages: readonly ChatMessage[], options: ChatOptions = {}): number[] {
    if (this.#template === null) {
      throw new TokenizerError('CHAT_UNSUPPORTED', 'this model has no chat template: use plain completions')
    }
    for (const { role } of messages) {
      if (!CHAT_ROLES.includes(role)) {
        throw new TokenizerError(
          'CHAT_INVALID',
          `role ${JSON.stringify(role)}; one of ${CHAT_ROLES.join(', ')}`,
        )
      }
    }
    const contents = messages.map(({ content }) => content)
    const shield = new MarkerShield([...this.#markers.keys()], contents)
    const rendered = this.#render({
      ...this.#templateVariables,
      messages: messages.map(({ role, content }) => ({ role, content: shield.shield(content) })),
      add_generation_prompt: options.addGenerationPrompt ?? true,
    })
    return this.#encodeSections(rendered, (section) => shield.strip(section))
  }

  /** The bytes that a token adds to the text: none for markers and for ids outside the vocabulary. */
  tokenBytes(id: number): Uint8Array {
    return this.specialIds.has(id) ? new Uint8Array() : (this.#bytes[id] ?? new Uint8Array())
  }

  /** What a token is called where tokens are shown: its text, or a marker's spelling. */
  tokenName(id: number): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.#bytes[id] ?? new Uint8Array())
  }

  /** The text of ids, markers left out. For a stream use TextStream with `tokenBytes`. */
  decode(ids: readonly number[]): string {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    return ids.map((id) => decoder.decode(this.tokenBytes(id), { stream: true })).join('') + decoder.decode()
  }

  #encodeSections(text: string, clean: (section: string) => string): number[] {
    if (this.#markerPattern === null) return this.encode(clean(text))
    return text.split(this.#markerPattern).flatMap((section) => {
      const marker = this.#markers.get(section)
      return marker === undefined ? this.encode(clean(section)) : [marker]
    })
  }

  #render(variables: Record<string, unknown>): string {
    try {
      return this.#template!.render(variables)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      throw new TokenizerError('CHAT_INVALID', `the chat template refuses these messages: ${reason}`, {
        cause: error,
      })
    }
  }
}

interface Parts {
  readonly plain: HubTokenizer
  readonly markers: ReadonlyMap<string, number>
  readonly prefix: readonly number[]
  readonly bytes: readonly (Uint8Array | undefined)[]
  readonly text: readonly HashedToken[]
  readonly template: Template | null
  readonly templateVariables: Readonly<Record<string, unknown>>
}

function readParts(file: unknown, config: unknown): Parts {
  const json = file as TokenizerFile
  const settings = config as Record<string, unknown>
  const vocabulary = json?.model?.vocab
  if (
    typeof vocabulary !== 'object' ||
    vocabulary === null ||
    typeof settings !== 'object' ||
    settings === null
  ) {
    throw new TokenizerError('TOKENIZER_INVALID', 'tokenizer.json and tokenizer_config.json were expected')
  }
  if (json.model?.type !== 'BPE' || !JSON.stringify(json.decoder ?? null).includes('"ByteLevel"')) {
    throw new TokenizerError('TOKENIZER_UNSUPPORTED', 'only byte-level BPE tokenizers are read')
  }
  const added = json.added_tokens ?? []
  const markers = new Map(added.map(({ content, id }) => [content, id]))
  const markerIds = new Set(markers.values())
  const bytes: (Uint8Array | undefined)[] = []
  const text: HashedToken[] = []
  for (const [piece, id] of Object.entries(vocabulary).sort((a, b) => a[1] - b[1])) {
    if (markerIds.has(id)) continue
    const entry = { id, bytes: bytesOfPiece(piece) }
    bytes[id] = entry.bytes
    text.push(entry)
  }
  for (const [content, id] of markers) bytes[id] = encoder.encode(content)
  try {
    const template = settings.chat_template
    return {
      plain: new HubTokenizer(withoutMarkers(json, markerIds), settings),
      prefix: new HubTokenizer(json, settings).encode('').ids,
      markers,
      bytes,
      text,
      template: typeof template === 'string' ? new Template(template) : null,
      templateVariables: { bos_token: spelling(settings.bos_token), eos_token: spelling(settings.eos_token) },
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TokenizerError('TOKENIZER_INVALID', `the tokenizer does not load: ${reason}`, { cause: error })
  }
}

/** The same tokenizer, unable to make a marker: they are neither looked for nor in the vocabulary. */
function withoutMarkers(json: TokenizerFile, markerIds: ReadonlySet<number>): TokenizerFile {
  const vocab = Object.fromEntries(Object.entries(json.model!.vocab!).filter(([, id]) => !markerIds.has(id)))
  return { ...json, added_tokens: [], model: { ...json.model!, vocab } }
}

/** A special token in tokenizer_config.json is a string or an object with its content. */
function spelling(token: unknown): string {
  if (typeof token === 'string') return token
  const content = (token as { content?: unknown } | null | undefined)?.content
  return typeof content === 'string' ? content : ''
}

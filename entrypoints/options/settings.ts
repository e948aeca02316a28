import './no-eval.ts'
import { z } from 'zod'
import { LIMITS } from '../../shared/protocol/limits.ts'

/** What a form shows beside a setting. */
export interface SettingFacts {
  readonly label: string
  readonly help: string
  readonly group: SettingGroup
  readonly unit?: string
  readonly choices?: Readonly<Record<string, string>>
  /** What a choice means, shown while it is chosen. */
  readonly notes?: Readonly<Record<string, SettingNote>>
}

export type SettingGroup = 'scouting' | 'computer' | 'model'

interface SettingNote {
  readonly tone: 'plain' | 'warning'
  readonly text: string
}

/** More than anybody keeps in view; each is dialled for as long as Scout Mode is on. */
export const MOST_ORACLES = 32

const facts = z.registry<SettingFacts>()

/** One Oracle that the user gave: its addresses, and the invitation that has not been used yet. */
export const oracleEntrySchema = z.object({
  /** Multiaddrs of one Oracle, each ending in its peer id. */
  addresses: z.array(z.string().max(LIMITS.addressBytes)).min(1).max(LIMITS.offerAddresses),
  /** 16 bytes, hex; null once used, or when there was none. */
  invite: z.string().nullable(),
})
export type OracleEntry = z.output<typeof oracleEntrySchema>

/** Every setting of the extension: the one source of key, type, default, limits, and the words of the form. */
export const settingsSchema = z.object({
  scoutMode: z.boolean().default(false).register(facts, {
    label: 'Scout Mode',
    help: 'Draft tokens on this computer for the Oracles below.',
    group: 'scouting',
  }),
  oracles: z.array(oracleEntrySchema).max(MOST_ORACLES).default([]).register(facts, {
    label: 'Oracles',
    help: 'Whom this Scout drafts for. Paste a join link, or an address that ends in a peer id.',
    group: 'scouting',
  }),
  scope: z
    .enum(['own', 'swarm'])
    .default('own')
    .register(facts, {
      label: 'Draft for',
      help: 'Work of strangers comes only to Scouts that ask for it.',
      group: 'scouting',
      choices: { own: 'the Oracles listed here', swarm: 'every Oracle that offers work' },
      notes: {
        own: {
          tone: 'plain',
          text: 'Only the Oracles listed here learn that this Scout exists. Strangers see nothing of you.',
        },
        swarm: {
          tone: 'warning',
          text: 'Oracles of strangers see this Scout’s peer id, its network address, and what it drafts for them. They never see your own prompts.',
        },
      },
    }),
  gpuShare: z.int().min(10).max(100).default(75).register(facts, {
    label: 'GPU share',
    help: 'How much of the time the GPU may draft; the rest stays free for everything else.',
    group: 'computer',
    unit: '%',
  }),
  onlyOnPower: z.boolean().default(true).register(facts, {
    label: 'Only on power',
    help: 'Pause while this computer runs on its battery.',
    group: 'computer',
  }),
  window: z.int().min(1).max(LIMITS.windowTokens).default(LIMITS.defaultWindowTokens).register(facts, {
    label: 'Window',
    help: 'Most tokens drafted ahead of what the Oracle has confirmed.',
    group: 'computer',
    unit: 'tokens',
  }),
  model: z
    .enum(['embedded'])
    .default('embedded')
    .register(facts, {
      label: 'Draft model',
      help: 'Which model drafts; it must share its tokenizer with the model of the Oracle.',
      group: 'model',
      choices: { embedded: 'Shard Tales draft (in this package)' },
    }),
  beside: z
    .enum(['rest', 'draft'])
    .default('rest')
    .register(facts, {
      label: 'When a local Oracle runs',
      help: 'Prompts go to it in either case.',
      group: 'model',
      choices: { rest: 'turn the drafting here off', draft: 'go on drafting (two GPUs)' },
      notes: {
        draft: {
          tone: 'warning',
          text: 'Drafting beside a local Oracle uses graphics memory twice. Choose this only where each has a GPU of its own.',
        },
      },
    }),
  introduced: z.boolean().default(false),
})

export type Settings = z.output<typeof settingsSchema>
export type SettingKey = keyof Settings

export const DEFAULT_SETTINGS: Settings = settingsSchema.parse({})

/** The form's words for a setting; undefined for what no form shows. */
export function factsOf(key: SettingKey): SettingFacts | undefined {
  return facts.get(settingsSchema.shape[key])
}

/** What was stored, setting by setting: one that is damaged or of another version falls back to its default. */
export function readSettings(stored: Readonly<Record<string, unknown>>): Settings {
  const read = Object.entries(settingsSchema.shape).map(([key, schema]) => {
    const parsed = schema.safeParse(stored[key])
    return [key, parsed.success ? parsed.data : schema.parse(undefined)]
  })
  return Object.fromEntries(read) as Settings
}

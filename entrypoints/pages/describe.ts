import { type ExtensionState, hasLocalOracle, type ScoutState } from '../background/state.ts'
import { describeHost } from './describe-host.ts'
import { bytes, counted, seconds } from './figures.ts'
import { refusalWords } from './refusal.ts'

export type Phase =
  | 'off'
  | 'loading'
  | 'searching'
  | 'ready'
  | 'drafting'
  | 'local' // the local Oracle answers; nothing is drafted here
  | 'starting' // the local Oracle is being started
  | 'paused'
  | 'no-oracle' // nobody to draft for
  | 'refused' // no listed Oracle takes this Scout
  | 'error'

/** What the state is in words: the popup's heading, and what screen readers hear. */
export interface Description {
  readonly phase: Phase
  readonly title: string
  readonly detail: string
  /** What the user can do. */
  readonly help?: string
  readonly tone: 'off' | 'wait' | 'good' | 'active' | 'bad'
  /** Said aloud when it changes: the same for states that alternate by the second. */
  readonly announcement: string
}

type Words = Omit<Description, 'announcement'>

export function describe(state: ExtensionState): Description {
  const words = wordsOf(state)
  const calm = words.phase === 'ready' || words.phase === 'drafting'
  const announcement = calm
    ? 'Scout Mode is on: ready to draft.'
    : [words.title, words.phase === 'loading' ? '' : words.help].filter(Boolean).join('. ')
  return { ...words, announcement }
}

function wordsOf(state: ExtensionState): Words {
  const { settings, host, scout } = state
  const restsBeside = !settings.scoutMode || settings.beside === 'rest'
  const local = describeHost(host)
  if (restsBeside && hasLocalOracle(host))
    return {
      phase: 'local',
      title: 'Local Oracle',
      detail: local?.detail ?? '',
      help: settings.scoutMode
        ? 'Your prompts stay on this computer. Scout Mode rests, so that graphics memory is used once, and comes back when the Oracle stops.'
        : 'Your prompts stay on this computer.',
      tone: 'good',
    }
  if (restsBeside && local?.state === 'starting')
    return { phase: 'starting', title: local.title, detail: local.detail, tone: 'wait' }
  if (!settings.scoutMode)
    return {
      phase: 'off',
      title: 'Scout Mode is off',
      detail: 'Nothing is loaded, and nothing runs.',
      tone: 'off',
    }
  return scoutWords(scout, settings.oracles.length)
}

function scoutWords(scout: ScoutState, listed: number): Words {
  switch (scout.phase) {
    case 'error': {
      const { message, help } = scout.problem ?? {
        message: 'The drafter stopped and did not say why.',
        help: 'Try again.',
      }
      return { phase: 'error', title: 'Scout Mode has a problem', detail: message, help, tone: 'bad' }
    }
    case 'off':
      return { phase: 'loading', title: 'Starting', detail: 'The drafter is being started.', tone: 'wait' }
    case 'loading':
      return loadingWords(scout)
    case 'paused':
      return {
        phase: 'paused',
        title: 'Paused',
        detail: 'This computer runs on its battery.',
        help: 'Plug it in, or turn “Only on power” off in the settings.',
        tone: 'wait',
      }
    case 'drafting':
      return {
        phase: 'drafting',
        title: 'Drafting',
        detail: `for ${counted(scout.scout?.assignments ?? 1, 'request')} at the moment`,
        tone: 'active',
      }
    default:
      return waitingWords(scout, listed)
  }
}

function loadingWords({ loading }: ScoutState): Words {
  const title = 'Loading the draft model'
  if (!loading) return { phase: 'loading', title, detail: 'One moment.', tone: 'wait' }
  const { step, bytes: read, totalBytes, secondsLeft } = loading
  const done = step === 'read' ? `${bytes(read)} of ${bytes(totalBytes)}` : 'Preparing the engine'
  const left = secondsLeft === null ? '' : ` · ${seconds(secondsLeft)} left`
  return { phase: 'loading', title, detail: done + left, tone: 'wait' }
}

/** Loaded, and nothing to draft at the moment. */
function waitingWords({ scout }: ScoutState, listed: number): Words {
  const joined = scout?.oracles.length ?? 0
  const refusals = Object.values(scout?.refusals ?? {})
  if (joined > 0)
    return {
      phase: 'ready',
      title: 'Ready',
      detail: `Stands by for ${counted(joined, 'Oracle')}.`,
      tone: 'good',
      ...(refusals.length > 0 && {
        help: `${counted(refusals.length, 'Oracle')} did not take this Scout; the settings say why.`,
      }),
    }
  if (listed === 0)
    return {
      phase: 'no-oracle',
      title: 'No Oracle yet',
      detail: 'There is nobody to draft for.',
      help: 'Paste the join link of an Oracle, or its address, below.',
      tone: 'wait',
    }
  const [reason] = refusals
  if (reason !== undefined && refusals.length >= listed) {
    const { title, help } = refusalWords(reason)
    return {
      phase: 'refused',
      title: listed === 1 ? 'Your Oracle refuses' : 'Your Oracles refuse',
      detail: `${title}.`,
      help,
      tone: 'bad',
    }
  }
  return {
    phase: 'searching',
    title: listed === 1 ? 'Looking for your Oracle' : 'Looking for your Oracles',
    detail: 'Not in reach yet; this Scout keeps trying.',
    help: 'Is it running, and at the same address? A computer’s address changes with its network.',
    tone: 'wait',
  }
}

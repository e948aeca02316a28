import { type ExtensionState, shouldDraft } from '../background/state.ts'
import type { OracleEntry } from '../options/settings.ts'
import type { Description } from './describe.ts'
import { peerIdOf } from './oracle-entries.ts'
import { refusalWords } from './refusal.ts'

export interface OracleDescription {
  readonly state: 'idle' | 'connecting' | 'joined' | 'refused'
  readonly title: string
  readonly help?: string
  readonly tone: Description['tone']
}

/** How one listed Oracle takes this Scout. */
export function describeOracle(entry: OracleEntry, state: ExtensionState): OracleDescription {
  const { settings, host, scout } = state
  const peer = peerIdOf(entry)
  const invited = entry.invite === null ? {} : { help: 'Its invitation is used when it is first reached.' }
  if (!shouldDraft(settings, host)) {
    const title = settings.scoutMode ? 'Rests beside the local Oracle' : 'Scout Mode is off'
    return { state: 'idle', title, tone: 'off', ...invited }
  }
  if (scout.scout?.oracles.includes(peer))
    return { state: 'joined', title: 'Connected: this Scout is in its pool', tone: 'good' }
  const reason =
    scout.scout?.refusals[peer] ?? entry.addresses.map((a) => scout.scout?.refusals[a]).find(Boolean)
  if (reason !== undefined) return { state: 'refused', ...refusalWords(reason), tone: 'bad' }
  return { state: 'connecting', title: 'Connecting…', tone: 'wait', ...invited }
}

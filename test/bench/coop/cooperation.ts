import { join } from 'node:path'
import { PassCost } from '../../../native-host/scheduler/pass-cost.ts'
import { optimalRate } from '../../support/optimum.ts'
import type { Mode, Setting } from './cells.ts'
import type { Cores } from './cores.ts'
import type { Deadline } from './deadline.ts'
import { Link, type LinkKind } from './link.ts'
import { LocalDrafter } from './local-drafter.ts'
import { buildOracle } from './oracle-build.ts'
import type { ReplayOptions } from './replay-drafter.ts'
import type { Results } from './results.ts'
import { measureRate, type Rate } from './saturation.ts'
import { ScoutProcess } from './scouts.ts'
import { Series } from './series.ts'
import { Target } from './target.ts'
import { TranscriptFile } from './transcript.ts'

export interface CooperationOptions {
  readonly shape: string
  /** A GGUF file, or `embedded`. */
  readonly model: string
  /** A folder for everybody's homes, and for what the target has said. */
  readonly folder: string
  readonly transcripts: string
  readonly links: LinkKind
  /** Cores of the Oracle, and of all others. */
  readonly cores: Cores
  readonly mostUsers: number
  readonly maxTokens: number
  readonly rounds: number
  /** Share of packets that a link which is not perfect loses, one way. */
  readonly loss: number
  readonly flags: readonly string[]
}

const SCOUTS: Readonly<Record<Mode, number>> = { alone: 0, local: 0, 'scouts-1': 1, 'scouts-4': 4 }
/** Of a link that is not perfect, one way, as a share of the round trip. */
const JITTER = 0.05
/** Of a pass of the optimum: what lies beyond is never worth it on a processor. */
const MOST_ROWS = 64
/** From these it is told how long a token takes. */
const CALIBRATION_TOKENS = 24

/** One Oracle and whoever drafts for it, over all of a shape's cells. */
export class Cooperation implements AsyncDisposable {
  readonly #options: CooperationOptions
  readonly #target: Target
  readonly #scouts: readonly ScoutProcess[]
  readonly #recorder: ScoutProcess
  readonly #local: LocalDrafter
  readonly #facts: { readonly tokenizerHash: string; readonly vocabSize: number }
  #parts: AsyncDisposableStack | null = null
  #tokenMs = 0
  #distance = -1

  private constructor(
    options: CooperationOptions,
    target: Target,
    scouts: readonly ScoutProcess[],
    recorder: ScoutProcess,
    local: LocalDrafter,
    facts: { readonly tokenizerHash: string; readonly vocabSize: number },
  ) {
    this.#options = options
    this.#target = target
    this.#scouts = scouts
    this.#recorder = recorder
    this.#local = local
    this.#facts = facts
  }

  static async start(options: CooperationOptions): Promise<Cooperation> {
    const { folder, cores, model, mostUsers, flags } = options
    await using started = new AsyncDisposableStack()
    const scouts: ScoutProcess[] = []
    for (let i = 1; i <= SCOUTS['scouts-4']; i++) {
      const link = started.use(new Link(i, options.links))
      scouts.push(started.use(await ScoutProcess.start(join(folder, `scout-${i}`), cores.others, link)))
    }
    const recorder = started.use(await ScoutProcess.start(join(folder, 'recorder'), cores.others, null))
    const local = started.use(await LocalDrafter.listen(join(folder, 'local.sock')))
    const paired = [...scouts, recorder].map(({ peerId }) => peerId)
    const home = join(folder, 'oracle')
    const script = await buildOracle()
    const target = started.use(
      await Target.start({
        script,
        home,
        model,
        core: cores.oracle,
        users: mostUsers,
        paired,
        flags,
        local: local.path,
      }),
    )
    const { tokenizer_hash: tokenizerHash } = (await target.health()).model
    const vocabSize = await target.vocabulary()
    const cooperation = new Cooperation(options, target, scouts, recorder, local, {
      tokenizerHash,
      vocabSize,
    })
    await cooperation.#record()
    cooperation.#parts = started.move()
    return cooperation
  }

  /** Milliseconds of a token of the Oracle alone. */
  get tokenMs(): number {
    return this.#tokenMs
  }

  /** What the Oracle has measured of its passes. */
  async passMs(): Promise<Readonly<Record<string, number>>> {
    return (await this.#target.health()).pass_ms
  }

  get log(): string {
    return this.#target.log
  }

  /**
   * All that is missing of one setting, everybody in turn, round after round; a first round is practice and does not count.
   * Calls back with the cells so far after each that counts. Returns false when the time was over before the end.
   */
  async measure(setting: Setting, results: Results, deadline: Deadline): Promise<boolean> {
    const { rounds } = this.#options
    const series = this.#missing(setting, results)
    if (series.length === 0) return true
    await this.#connect(setting.rttMs)
    const fewest = Math.min(...series.map(done))
    let roundMs = 0
    for (let round = fewest; round <= rounds; round++) {
      // A setting that is begun is worth nothing without a round that counts.
      const needed = round === fewest ? 2 * (await this.#guessMs(setting, series.length)) : roundMs
      if (!deadline.allows(needed)) return false
      const practice = round === fewest
      const began = performance.now()
      const open = series.filter((group) => practice || done(group) < rounds)
      // Once for all of them: it does not depend on who would draft.
      const alone = await this.#round(setting, open[0]![0]!, round)
      for (const group of open) {
        if (!practice) group[0]!.add(alone, alone)
        for (const one of group.slice(1)) {
          const rate = await this.#round(setting, one, round)
          if (!practice) one.add(rate, alone)
        }
      }
      roundMs = performance.now() - began
      if (practice) continue
      for (const [alone, ...others] of open) {
        const optimum = setting.users === 1 ? await this.#optimum({ ...setting, alpha: alone!.alpha }) : null
        const cells = [alone!, ...others].map((one) => one.cell(optimum))
        results.add(cells.filter((cell) => (results.of(cell)?.rounds.length ?? 0) < cell.rounds.length))
      }
    }
    return true
  }

  /** The series of a setting that lack rounds, by acceptance; `alone` is the first of each. */
  #missing(setting: Setting, results: Results): Series[][] {
    const { shape, rounds } = this.#options
    const { rttMs: rtt_ms, users, speed } = setting
    return setting.alphas
      .map((alpha) =>
        setting.modes.map((mode) => {
          const known = results.of({ shape, mode, alpha, rtt_ms, users, speed })
          // Another Oracle's: the local drafter is told against its own.
          const earlier = mode === 'alone' && setting.modes.includes('local') ? undefined : known
          return new Series(shape, mode, alpha, setting, earlier)
        }),
      )
      .filter((group) => done(group) < rounds)
  }

  /** One mode's turn. */
  async #round(setting: Setting, series: Series, round: number): Promise<Rate> {
    const { mode, alpha } = series
    const before = this.#target.notNeeded
    const team = this.#scouts.slice(0, SCOUTS[mode])
    if (mode === 'local')
      await this.#local.tell({ order: 'join', replay: this.#replay(mode, setting, alpha, round) })
    await this.#join(team, mode, setting, alpha, round)
    const rate = await this.#rate(setting.users, mode === 'alone' ? 'none' : 'own')
    if (mode === 'local') await this.#local.tell({ order: 'leave' })
    await Promise.all(team.map((scout) => scout.leave()))
    await this.#target.pool([])
    series.notNeeded(this.#target.notNeeded - before)
    return rate
  }

  /** About how long a round takes: everybody's turn, as if drafts were worth nothing. */
  async #guessMs({ users, modes }: Setting, alphas: number): Promise<number> {
    const cost = await this.#cost()
    const turns = 1 + alphas * (modes.length - 1)
    return turns * this.#options.maxTokens * cost(users)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts?.disposeAsync()
  }

  /**
   * How much faster than alone the best policy is that there is, for what the Oracle has measured of its passes. As a
   * ratio, since a drafter on the Oracle's core makes all of them longer.
   */
  async #optimum({ alpha, rttMs, speed }: Setting & { readonly alpha: number }): Promise<number> {
    const cost = await this.#cost()
    return cost(1) * optimalRate({ cost, alpha, tokenMs: this.#tokenMs / speed, rttMs, maxRows: MOST_ROWS })
  }

  /** Milliseconds of a pass by rows, as the Oracle has measured it. */
  async #cost(): Promise<(rows: number) => number> {
    const measured = new PassCost()
    for (const [rows, ms] of Object.entries(await this.passMs())) measured.observe(Number(rows), 0, ms)
    return (rows) => measured.estimate(rows, 0)
  }

  /** The earlier run: what the target says under every user's seed; and how long a token takes it. */
  async #record(): Promise<void> {
    const { mostUsers, transcripts } = this.#options
    if (Object.keys(new TranscriptFile(transcripts).read()).length < mostUsers) {
      const oracle = await this.#target.addressAt('127.0.0.1')
      this.#recorder.join({ order: 'record', oracle, ...this.#facts, transcripts })
      await this.#target.pool([this.#recorder.peerId])
      // One at a time: a worker of which nothing is known is not given all of several.
      for (let first = 0; first < mostUsers; first++) await this.#rate(1, 'own', first)
      await this.#recorder.leave()
      await this.#target.pool([])
      const known = Object.keys(new TranscriptFile(transcripts).read()).length
      if (known < mostUsers) throw new Error(`${known} of ${mostUsers} texts were recorded`)
    }
    const alone = { url: this.#target.url, users: 1, maxTokens: CALIBRATION_TOKENS, scope: 'none' } as const
    this.#tokenMs = 1000 / (await measureRate(alone)).tokensPerSecond
  }

  #rate(users: number, scope: 'none' | 'own', first = 0): Promise<Rate> {
    const { maxTokens } = this.#options
    return measureRate({ url: this.#target.url, users, first, maxTokens, scope })
  }

  async #join(
    team: readonly ScoutProcess[],
    mode: Mode,
    setting: Setting,
    alpha: number,
    round: number,
  ): Promise<void> {
    const { tokenizerHash } = this.#facts
    for (const [i, scout] of team.entries()) {
      const oracle = await this.#target.addressAt(scout.link?.address ?? '127.0.0.1')
      const replay = this.#replay(mode, setting, alpha, round * SCOUTS['scouts-4'] + i)
      scout.join({ order: 'join', oracle, tokenizerHash, replay })
    }
    await this.#target.pool(team.map(({ peerId }) => peerId))
  }

  /** What a drafter replays; it errs elsewhere in every round, for where errors lie decides what a draft is worth. */
  #replay(mode: Mode, { rttMs, users, speed }: Setting, alpha: number, seed: number): ReplayOptions {
    // Another name: another record at the Oracle. What it learned in one setting says nothing of the next.
    const model = `replay-${mode}-${alpha}-${rttMs}-${users}-${speed}`
    const { vocabSize } = this.#facts
    const { transcripts } = this.#options
    return { model, transcripts, vocabSize, alpha, tokenMs: this.#tokenMs / speed, seed }
  }

  async #connect(rttMs: number): Promise<void> {
    if (this.#distance === rttMs) return
    this.#distance = rttMs
    const { loss } = this.#options
    const distance = { rttMs, jitterMs: rttMs * JITTER, loss: rttMs === 0 ? 0 : loss }
    for (const { link } of this.#scouts) await link?.connect(distance)
  }
}

/** Rounds that everybody has who drafts; `alone` may have more, for it is measured beside each of them. */
function done([alone, ...others]: readonly Series[]): number {
  return Math.min(...(others.length === 0 ? [alone!] : others).map(({ rounds }) => rounds))
}

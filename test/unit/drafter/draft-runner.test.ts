import { describe, expect, it } from 'vitest'
import { MirrorPath } from '../../../shared/drafter/draft-path.ts'
import { DraftRunner } from '../../../shared/drafter/draft-runner.ts'
import type { Assignment, DraftFrame, VerifiedFrame } from '../../../shared/drafter/draft-worker.ts'
import type { Drafter, DraftSequence } from '../../../shared/drafter/drafter.ts'
import { EngineDrafter } from '../../../shared/drafter/engine-drafter.ts'
import { Gathering } from '../../../shared/drafter/gathering.ts'
import { NgramDrafter } from '../../../shared/drafter/ngram-drafter.ts'
import { GREEDY } from '../../../shared/verify/settings.ts'
import { Random } from '../../support/random.ts'
import { TOY_END, TOY_VOCAB, ToyEngine, toyText } from '../../support/toy-engine.ts'

const KEY = { lo: 7, hi: 9 }

/** Turns of the event loop: other promises go on meanwhile. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Drafts several tokens at once and is wrong at some. */
function clumsy(drafter: Drafter, random: Random, wrong: number): Drafter {
  return {
    ...drafter,
    model: drafter.model,
    tokenizerHash: null,
    vocabSize: TOY_VOCAB,
    contextLength: 4096,
    capacity: 4,
    async open(task) {
      const sequence = await drafter.open(task)
      const next: DraftSequence['next'] = async (most, signal) => {
        const tokens: number[] = []
        const count = 1 + (random.word() % 3)
        while (tokens.length < Math.min(count, most)) {
          const [token] = await sequence.next(1, signal)
          if (token === undefined) break
          if (random.uniform() < wrong) {
            sequence.rollback(sequence.length - 1)
            const other = 1 + (random.word() % (TOY_VOCAB - 1))
            sequence.append([other])
            tokens.push(other)
          } else tokens.push(token)
          await turns(random.word() % 2)
        }
        return tokens
      }
      return {
        get length() {
          return sequence.length
        },
        append: (tokens) => sequence.append(tokens),
        rollback: (length) => sequence.rollback(length),
        next,
        close: () => sequence.close(),
      }
    },
  }
}

interface Scenario {
  readonly seed: number
  readonly wrong: number
  readonly window: number
}

/** A scripted Oracle: verifies at random moments, any number of tokens, whatever was drafted; checks every frame. */
async function play({ seed, wrong, window }: Scenario) {
  const random = new Random(seed)
  const prompt = Array.from({ length: 1 + (random.word() % 20) }, () => 1 + (random.word() % (TOY_VOCAB - 1)))
  const truth = [...prompt, ...toyText(prompt, KEY, 120)]
  const given = Math.min(truth.length - 1, prompt.length + (random.word() % 5))
  const engine = new ToyEngine({
    maxRows: 16,
    contextLength: 4096,
    pass: () => turns(random.word() % 3),
  })
  const assignment: Assignment = {
    id: 1,
    context: truth.slice(0, given),
    promptLength: prompt.length,
    settings: GREEDY,
    key: KEY,
    window,
    endPosition: truth.length,
    stopTokens: [TOY_END],
  }
  const mirror = new MirrorPath(given, window, truth.length)
  const frames: DraftFrame[] = []
  const outlet = {
    ready: true,
    send(frame: DraftFrame) {
      frames.push(frame)
      const path = mirror.draft(frame)
      expect(path.guess.length).toBeLessThanOrEqual(window)
    },
  }
  const drafter = clumsy(new EngineDrafter(engine), random, wrong)
  let now = 0
  const clock = () => {
    now += 20 * random.uniform()
    return now
  }
  const gathering = seed % 2 === 0 ? null : new Gathering(clock)
  const runner = new DraftRunner(assignment, await drafter.open(assignment), outlet, gathering)
  const running = runner.run()

  let known = given
  let epoch = 0
  let pending: VerifiedFrame | null = null
  let agreed = 0
  while (known < truth.length) {
    await turns(random.word() % 6)
    if (random.uniform() < 0.2) {
      outlet.ready = !outlet.ready
      if (outlet.ready) runner.drained()
      continue
    }
    // What a pass would do with the drafts that have come: the agreeing ones and one more.
    const guess = mirror.path.known + mirror.path.guess.length > known ? mirror.path.guess : []
    let accepted = 0
    while (guess[known - mirror.path.known + accepted] === truth[known + accepted] && accepted < 6) accepted++
    agreed += accepted
    const end = Math.min(truth.length, known + accepted + 1 + (random.word() % 2))
    const frame = { epoch: ++epoch, position: known, tokens: truth.slice(known, end) }
    known = end
    mirror.sent(frame)
    // A slow link: several Verified merged into one.
    pending = pending
      ? { ...frame, position: pending.position, tokens: [...pending.tokens, ...frame.tokens] }
      : frame
    if (random.uniform() < 0.7) {
      runner.verified(pending)
      pending = null
    }
  }
  if (pending) runner.verified(pending)
  await turns(3)
  runner.stop()
  await running
  return { frames, agreed, open: engine.open, truth }
}

describe('DraftRunner', () => {
  it('sends only what continues its path, within the window, under random timing', async () => {
    let agreed = 0
    let drafted = 0
    for (let seed = 1; seed <= 150; seed++) {
      const random = new Random(seed * 7919)
      const wrong = [0, 0.2, 0.6, 1][random.word() % 4] as number
      const played = await play({ seed, wrong, window: 1 + (random.word() % 16) })
      expect(played.open).toBe(0)
      agreed += played.agreed
      drafted += played.frames.reduce((sum, frame) => sum + frame.tokens.length, 0)
    }
    // A run in which nothing was drafted, or nothing agreed, would prove nothing.
    expect(drafted).toBeGreaterThan(1000)
    expect(agreed).toBeGreaterThan(500)
  })

  it('drafts exactly the true text when its model is the Oracle’s', async () => {
    const played = await play({ seed: 3, wrong: 0, window: 8 })
    for (const { position, tokens } of played.frames) {
      expect(played.truth.slice(position, position + tokens.length)).toEqual(tokens)
    }
    expect(played.frames.length).toBeGreaterThan(0)
  })

  /** A runner at work after three tokens, and what it sends. */
  async function begin(engine: ToyEngine, window: number, gathering: Gathering | null) {
    const context = [5, 6, 7]
    const assignment = { context, promptLength: 3, settings: GREEDY, key: KEY, stopTokens: [], id: 1 }
    const frames: DraftFrame[] = []
    const sequence = await new EngineDrafter(engine).open(assignment)
    const outlet = { ready: true, send: (frame: DraftFrame) => void frames.push(frame) }
    const runner = new DraftRunner({ ...assignment, window, endPosition: 100 }, sequence, outlet, gathering)
    return { context, frames, runner, running: runner.run() }
  }

  it('fills its window without any answer, stops there, and goes on after a rejection from the true token', async () => {
    const engine = new ToyEngine({ maxRows: 8 })
    const { context, frames, runner, running } = await begin(engine, 4, null)
    await turns(20)
    const truth = toyText(context, KEY, 4)
    expect(frames.flatMap(({ tokens }) => tokens)).toEqual(truth)
    expect(runner.unverified).toBe(4)

    frames.length = 0
    const other = ((truth[1] as number) + 1) % TOY_VOCAB
    runner.verified({ epoch: 1, position: 3, tokens: [truth[0] as number, other] })
    await turns(20)
    expect(frames[0]).toMatchObject({ epoch: 1, position: 5 })
    expect(frames.flatMap(({ tokens }) => tokens)).toEqual(
      toyText([...context, truth[0] as number, other], KEY, 4),
    )
    runner.stop()
    await running
    expect(engine.open).toBe(0)
  })

  it('gathers tokens while the outlet is not ready and sends them as one frame', async () => {
    const assignment = { context: [1, 2], promptLength: 2, settings: GREEDY, key: KEY, stopTokens: [], id: 1 }
    const frames: DraftFrame[] = []
    const outlet = { ready: false, send: (frame: DraftFrame) => void frames.push(frame) }
    const sequence = await new EngineDrafter(new ToyEngine()).open(assignment)
    const runner = new DraftRunner({ ...assignment, window: 6, endPosition: 100 }, sequence, outlet)
    const running = runner.run()
    await turns(20)
    expect(frames).toEqual([])
    outlet.ready = true
    runner.drained()
    expect(frames).toEqual([{ epoch: 0, position: 2, tokens: toyText([1, 2], KEY, 6) }])
    runner.stop()
    await running
  })

  it('sends more in a frame the more the Oracle has in hand, and the rest when its window is full', async () => {
    let now = 0
    const gathering = new Gathering(() => now)
    const { context, frames, runner, running } = await begin(new ToyEngine({ maxRows: 8 }), 9, gathering)
    const truth = toyText(context, KEY, 2)
    await turns(40)
    runner.verified({ epoch: 1, position: 3, tokens: truth.slice(0, 1) })
    now = 1e6
    await turns(40)
    frames.length = 0
    const wrong = ((truth[1] as number) + 1) % TOY_VOCAB
    runner.verified({ epoch: 2, position: 4, tokens: [wrong] })
    await turns(40)
    expect(frames.map(({ tokens }) => tokens.length)).toEqual([1, 1, 1, 1, 2, 3])
    runner.stop()
    await running
  })

  it('drafts nothing past a token that ends the text, nor past the end position', async () => {
    const context = [1, 2]
    const [first, second] = toyText(context, KEY, 3)
    for (const [stopTokens, endPosition] of [
      [[second as number], 100],
      [[], 4],
    ] as const) {
      const assignment = { context, promptLength: 2, settings: GREEDY, key: KEY, stopTokens, id: 1 }
      const frames: DraftFrame[] = []
      const outlet = { ready: true, send: (frame: DraftFrame) => void frames.push(frame) }
      const sequence = await new EngineDrafter(new ToyEngine()).open(assignment)
      const runner = new DraftRunner({ ...assignment, window: 6, endPosition }, sequence, outlet)
      const running = runner.run()
      await turns(20)
      expect(frames.flatMap(({ tokens }) => tokens)).toEqual([first, second])
      runner.stop()
      await running
    }
  })

  it('rejects with what its model throws, and frees the sequence', async () => {
    const engine = new ToyEngine()
    const assignment = { context: [1], promptLength: 1, settings: GREEDY, key: KEY, stopTokens: [], id: 1 }
    const sequence = await new EngineDrafter(engine).open(assignment)
    const runner = new DraftRunner({ ...assignment, window: 6, endPosition: 10_000 }, sequence, {
      ready: true,
      send() {
        throw new Error('the outlet broke')
      },
    })
    await expect(runner.run()).rejects.toThrow('the outlet broke')
    expect(engine.open).toBe(0)
  })
})

describe('EngineDrafter', () => {
  it('drafts several sequences in shared passes, long contexts in pieces', async () => {
    const engine = new ToyEngine({ maxRows: 32 })
    const drafter = new EngineDrafter(engine)
    const signal = new AbortController().signal
    const contexts = [1, 2, 3].map((id) =>
      Array.from({ length: 100 * id }, (_, i) => (i * id + 1) % TOY_VOCAB),
    )
    const drafted = await Promise.all(
      contexts.map(async (context) => {
        const task = { promptLength: context.length, settings: GREEDY, key: KEY, stopTokens: [] }
        const sequence = await drafter.open(task)
        sequence.append(context)
        const out: number[] = []
        while (out.length < 10) out.push(...(await sequence.next(1, signal)))
        await sequence.close()
        return out
      }),
    )
    expect(drafted).toEqual(contexts.map((context) => toyText(context, KEY, 10)))
    expect(engine.open).toBe(0)
    expect(engine.widest).toBe(32)
  })
})

describe('NgramDrafter', () => {
  it('drafts what followed the same tokens before, and never more than asked', async () => {
    const sequence = await new NgramDrafter(100, 1000).open()
    const { signal } = new AbortController()
    sequence.append([1, 2, 3, 4, 5, 9, 1, 2, 3])
    expect(await sequence.next(2, signal)).toEqual([4, 5])
    expect(sequence.length).toBe(11)
    sequence.rollback(9)
    sequence.append([7])
    expect(await sequence.next(4, signal)).toEqual([])
  })

  it('forgets what was rolled back', async () => {
    const random = new Random(5)
    for (let round = 0; round < 50; round++) {
      const sequence = await new NgramDrafter(4, 1000).open()
      const { signal } = new AbortController()
      const held: number[] = []
      for (let i = 0; i < 30; i++) {
        if (held.length > 3 && random.uniform() < 0.4) {
          held.length = random.word() % held.length
          sequence.rollback(held.length)
        }
        const tokens = Array.from({ length: 1 + (random.word() % 5) }, () => random.word() % 4)
        sequence.append(tokens)
        held.push(...tokens)
        const drafts = await sequence.next(3, signal)
        const fresh = await new NgramDrafter(4, 1000).open()
        fresh.append(held)
        expect(drafts).toEqual(await fresh.next(3, signal))
        held.push(...drafts)
      }
    }
  })
})

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { FaultBook } from '../../../native-host/mesh/fault-book.ts'
import { Invites } from '../../../native-host/mesh/invites.ts'
import { OwnDevices } from '../../../native-host/mesh/own-devices.ts'
import { PairService } from '../../../native-host/mesh/pair-service.ts'
import { PairedStore, PairedStoreError } from '../../../native-host/mesh/paired-store.ts'
import { SILENT } from '../../../shared/log.ts'
import { OracleCallError } from '../../../shared/mesh/oracle-call-error.ts'
import { pairOver } from '../../../shared/mesh/pair-client.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { PAIR_PROTOCOL } from '../../../shared/protocol/names.ts'
import { StubNode } from '../../support/mesh/stub-node.ts'

const peer = async (seed: number) => {
  const bytes = new Uint8Array(32)
  new DataView(bytes.buffer).setUint32(0, seed)
  return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', bytes)).toString()
}
const [A, B, C] = await Promise.all([peer(1), peer(2), peer(3)])
const WRONG = '00'.repeat(16)

let folder: string
let file: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'shard-paired-'))
  file = join(folder, 'mesh', 'paired.json')
})
afterEach(() => rm(folder, { recursive: true }))

describe('Invites', () => {
  it('pair once, until they expire', () => {
    let now = 0
    const invites = new Invites(() => now)
    const first = invites.create(1)
    const second = invites.create(2)
    expect(first.invite).toMatch(/^[0-9a-f]{32}$/)
    expect(first.expiresAt).toBe(3600_000)
    expect(invites.redeem(WRONG)).toBe(false)
    expect([invites.redeem(first.invite), invites.redeem(first.invite)]).toEqual([true, false])
    now = 2 * 3600_000
    expect(invites.live).toBe(0)
    expect(invites.redeem(second.invite)).toBe(false)
  })

  it('are so many at most: a new one takes the place of the oldest', () => {
    const invites = new Invites(() => 0)
    const all = Array.from({ length: LIMITS.invites + 2 }, () => invites.create(1).invite)
    expect(new Set(all).size).toBe(all.length)
    expect(invites.live).toBe(LIMITS.invites)
    expect(all.map((one) => invites.redeem(one))).toEqual(all.map((_, i) => i >= 2))
  })

  it.each([0, -1, Number.NaN, LIMITS.inviteHours + 1])('live no %d hours', (hours) => {
    expect(() => new Invites().create(hours)).toThrow(RangeError)
  })
})

describe('PairedStore', () => {
  it('keeps who was paired over a restart, readable by its owner alone', async () => {
    const store = await PairedStore.open(file)
    expect(store.list()).toEqual([])
    expect(await Promise.all([store.add(A, 1000), store.add(B, 2000), store.add(A, 3000)])).toEqual([
      true,
      true,
      false,
    ])
    const again = await PairedStore.open(file)
    expect(again.list()).toEqual([
      { peerId: A, pairedAt: 1000 },
      { peerId: B, pairedAt: 2000 },
    ])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await Promise.all([again.remove(A), again.remove(A)])).toEqual([true, false])
    expect((await PairedStore.open(file)).list()).toEqual([{ peerId: B, pairedAt: 2000 }])
    expect(await readdir(join(folder, 'mesh'))).toEqual(['paired.json'])
  })

  it.each([
    ['nothing', ''],
    ['half a file', '{"version":1,"devices":[{"peer'],
    ['another version', '{"version":2,"devices":[]}'],
    [
      'a peer id that is none',
      '{"version":1,"devices":[{"peer_id":"me","paired_at":"2026-01-01T00:00:00Z"}]}',
    ],
    ['a list', '[]'],
  ])('with %s in it: says which file, and leaves it as it is', async (_name, content) => {
    const path = join(folder, 'paired.json')
    await writeFile(path, content)
    const error = await PairedStore.open(path).catch((one: unknown) => one)
    expect(error).toBeInstanceOf(PairedStoreError)
    expect(error).toMatchObject({ code: 'CORRUPT' })
    expect((error as Error).message).toContain(path)
    expect(await readFile(path, 'utf8')).toBe(content)
  })

  it('that cannot be written changes nothing, and works again when it can', async () => {
    const path = join(folder, 'taken', 'paired.json')
    await writeFile(join(folder, 'taken'), 'a file where the folder should be')
    // Reading says the same of it: there is no such file.
    const store = await PairedStore.open(path).catch((error: PairedStoreError) => error)
    expect(store).toMatchObject({ code: 'UNREADABLE' })
    const good = await PairedStore.open(file)
    await writeFile(join(folder, 'mesh'), 'a file where the folder should be')
    await expect(good.add(A, 0)).rejects.toMatchObject({ code: 'UNWRITABLE' })
    expect(good.list()).toEqual([])
    await rm(join(folder, 'mesh'))
    expect(await good.add(A, 0)).toBe(true)
  })

  it('takes so many devices and no more', async () => {
    const ids = await Promise.all(Array.from({ length: LIMITS.devices }, (_, i) => peer(100 + i)))
    const devices = ids.map((id) => ({ peer_id: id, paired_at: '2026-01-01T00:00:00.000Z' }))
    const path = join(folder, 'paired.json')
    await writeFile(path, JSON.stringify({ version: 1, devices }))
    const store = await PairedStore.open(path)
    await expect(store.add(A, 0)).rejects.toMatchObject({ code: 'FULL' })
    expect(await store.add(ids[0]!, 0)).toBe(false)
    await store.remove(ids[0]!)
    expect(await store.add(A, 0)).toBe(true)
  })
})

describe('OwnDevices', () => {
  it('are those given and those paired, and only the latter can be removed', async () => {
    const own = new OwnDevices([A], await PairedStore.open(file))
    expect([own.has(A), own.has(B)]).toEqual([true, false])
    expect(await own.add(A)).toBe(false)
    expect(await own.add(B)).toBe(true)
    expect(own.ids()).toEqual(new Set([A, B]))
    expect(own.list()).toEqual([
      { peerId: A, pairedAt: null },
      { peerId: B, pairedAt: expect.any(Number) },
    ])
    expect(await own.remove(A)).toBe('given')
    expect(await own.remove(B)).toBe('removed')
    expect(await own.remove(C)).toBe('unknown')
    expect(own.ids()).toEqual(new Set([A]))
  })
})

describe('/shard/pair', () => {
  const signal = new AbortController().signal

  async function service(pair: (peerId: string) => Promise<void> = async () => {}) {
    const stub = new StubNode()
    const invites = new Invites()
    const own = new Set<string>()
    const faults: string[] = []
    const pairs = new PairService({
      node: stub.node,
      invites,
      isOwn: (peerId) => own.has(peerId),
      pair: async (peerId) => {
        await pair(peerId)
        own.add(peerId)
      },
      faults: new FaultBook(),
      log: SILENT,
      events: { fault: (peerId, code) => faults.push(`${peerId} ${code}`) },
    })
    await pairs.start()
    const attempt = (peerId: string, invite: string) =>
      pairOver(stub.connect(peerId), invite, { signal }).then(
        () => 'paired',
        (error: unknown) => {
          expect(error).toBeInstanceOf(OracleCallError)
          return (error as OracleCallError).code
        },
      )
    return { stub, invites, own, faults, pairs, attempt }
  }

  it('pairs whoever shows a live invitation, once; who is paired may come again', async () => {
    const { invites, own, attempt, faults } = await service()
    const { invite } = invites.create(1)
    expect(await attempt('mine', invite)).toBe('paired')
    expect(own).toEqual(new Set(['mine']))
    expect(await attempt('mine', invite)).toBe('paired')
    expect(await attempt('theirs', invite)).toBe('invite')
    expect(own).toEqual(new Set(['mine']))
    expect(faults).toEqual(['theirs INVITE'])
  })

  it('takes one invitation shown twice at once for one attempt', async () => {
    const written = Promise.withResolvers<void>()
    const { invites, own, attempt, faults } = await service(() => written.promise)
    const { invite } = invites.create(1)
    const attempts = Promise.all([attempt('mine', invite), attempt('mine', invite)])
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    written.resolve()
    expect(await attempts).toEqual(['paired', 'paired'])
    expect(own).toEqual(new Set(['mine']))
    expect(faults).toEqual([])
  })

  it('counts wrong ones as faults, and ends the connection of who guesses', async () => {
    const { attempt, faults, stub } = await service()
    for (let i = 0; i < LIMITS.faultsBeforeBan; i++) expect(await attempt('guesser', WRONG)).toBe('invite')
    expect(faults.length).toBe(LIMITS.faultsBeforeBan)
    expect(stub.closed).toEqual(['guesser'])
    expect(await attempt('guesser', WRONG)).toBe('banned')
  })

  it('takes so many attempts of one peer a minute, and of all together', async () => {
    const { attempt, invites } = await service(async () => Promise.reject(new Error('disk full')))
    vi.spyOn(performance, 'now').mockReturnValue(0)
    try {
      // Right ones, so that no ban comes first.
      for (let i = 0; i < LIMITS.pairsPerMinute; i++)
        expect(await attempt('eager', invites.create(1).invite)).toBe('failed')
      expect(await attempt('eager', invites.create(1).invite)).toBe('too-many')
      for (let i = LIMITS.pairsPerMinute; i < LIMITS.allPairsPerMinute; i++)
        expect(await attempt(`peer ${i}`, WRONG)).toBe('invite')
      expect(await attempt('one more', WRONG)).toBe('too-many')
    } finally {
      vi.restoreAllMocks()
    }
  })

  it('says when there is no room, or no remembering', async () => {
    const full = await service(async () => Promise.reject(new PairedStoreError('FULL', 'full')))
    expect(await full.attempt('mine', full.invites.create(1).invite)).toBe('full')
    const broken = await service(async () => Promise.reject(new PairedStoreError('UNWRITABLE', 'no')))
    expect(await broken.attempt('mine', broken.invites.create(1).invite)).toBe('failed')
    expect(broken.own.size).toBe(0)
  })

  it('an Oracle without it is said to be one', async () => {
    const { attempt, pairs } = await service()
    await pairs.stop()
    expect(await attempt('mine', WRONG)).toBe('unsupported')
    expect(PAIR_PROTOCOL).toBe('/shard/pair/1.0.0')
  })
})

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinAddresses } from '../../../native-host/mesh/join-addresses.ts'
import { toHex } from '../../../shared/protocol/hex.ts'
import {
  formatJoinLink,
  type JoinLink,
  JoinLinkError,
  parseJoinLink,
} from '../../../shared/protocol/join-link.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'

const peer = async (seed: number) =>
  peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))).toString()
const ORACLE = await peer(1)
const OTHER = await peer(2)
const RELAY = await peer(3)
const CERTHASH = 'uEiA3mQ1H00yg2hISkZtTL7cGLoej_BDJJIMZWV8VpBQfbQ'
const WS = `/ip4/192.168.1.20/tcp/4101/ws/p2p/${ORACLE}`
const INVITE = '0123456789abcdef0123456789abcdef'

const ip4 = fc.ipV4().map((ip) => `/ip4/${ip}`)
const host = fc.oneof(ip4, fc.constantFrom('/ip6/::1', '/ip6/2001:db8::1', '/dns4/oracle.example'))
const port = fc.integer({ min: 1, max: 65_535 })
const transport = fc.oneof(
  port.map((one) => `/tcp/${one}`),
  port.map((one) => `/tcp/${one}/ws`),
  port.map((one) => `/udp/${one}/webrtc-direct/certhash/${CERTHASH}`),
  port.map((one) => `/tcp/${one}/p2p/${RELAY}/p2p-circuit`),
)
const address = fc.tuple(host, transport).map(([where, how]) => `${where}${how}/p2p/${ORACLE}`)
const link: fc.Arbitrary<JoinLink> = fc.record({
  oracles: fc.array(address, { minLength: 1, maxLength: LIMITS.offerAddresses }),
  invite: fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }).map(toHex)),
})

function codeOf(text: string): JoinLinkError['code'] | 'none' {
  try {
    parseJoinLink(text)
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(JoinLinkError)
    return (error as JoinLinkError).code
  }
}

describe('a join link', () => {
  it('comes back as it was, whatever it leads to', () => {
    fc.assert(
      fc.property(link, fc.constantFrom('', ' ', '\n', '\t '), (one, space) => {
        expect(parseJoinLink(`${space}${formatJoinLink(one)}${space}`)).toEqual(one)
      }),
    )
  })

  it('is readable', () => {
    expect(formatJoinLink({ oracles: [WS], invite: INVITE })).toBe(`shard:join?oracle=${WS}&invite=${INVITE}`)
  })

  it('may be a multiaddr alone', () => {
    expect(parseJoinLink(` ${WS}\n`)).toEqual({ oracles: [WS], invite: null })
  })

  it('holds no more addresses than are used', () => {
    const oracles = new Array(50).fill(WS)
    expect(parseJoinLink(formatJoinLink({ oracles, invite: null })).oracles.length).toBe(
      LIMITS.offerAddresses,
    )
  })

  it.each<[string, string, JoinLinkError['code']]>([
    ['nothing', ' \n', 'EMPTY'],
    ['a web address', 'https://example.com/join?oracle=/ip4/1.2.3.4', 'FORM'],
    ['another of our links', 'shard:leave?x=1', 'FORM'],
    ['no Oracle', `shard:join?invite=${INVITE}`, 'FORM'],
    ['no multiaddr', 'shard:join?oracle=/ip4/999.1.1.1/tcp/1', 'ADDRESS'],
    ['a path', '/home/me/shard', 'ADDRESS'],
    ['too long an address', `/dns4/${'a'.repeat(300)}/tcp/1/p2p/${ORACLE}`, 'ADDRESS'],
    ['no peer id', '/ip4/192.168.1.20/tcp/4101/ws', 'NO_PEER_ID'],
    ['only a relay’s peer id', `/ip4/1.2.3.4/tcp/1/p2p/${RELAY}/p2p-circuit`, 'NO_PEER_ID'],
    ['two Oracles', `shard:join?oracle=${WS}&oracle=/ip4/1.2.3.4/tcp/1/p2p/${OTHER}`, 'SEVERAL_ORACLES'],
    ['a short invitation', `shard:join?oracle=${WS}&invite=${INVITE.slice(1)}`, 'INVITE'],
    ['an invitation that is no hex', `shard:join?oracle=${WS}&invite=${'g'.repeat(32)}`, 'INVITE'],
  ])('%s: says so', (_name, text, code) => {
    expect(codeOf(text)).toBe(code)
  })

  it('any other text gives a JoinLinkError or a link within the limits, never anything else', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string().map((rest) => `shard:join?${rest}`),
      fc.string().map((rest) => `/ip4/${rest}`),
      fc.tuple(link, fc.nat(), fc.string({ maxLength: 2 })).map(([one, at, by]) => {
        const whole = formatJoinLink(one)
        const i = at % whole.length
        return whole.slice(0, i) + by + whole.slice(i + 1)
      }),
    )
    fc.assert(
      fc.property(text, (one) => {
        if (codeOf(one) !== 'none') return
        const { oracles, invite } = parseJoinLink(one)
        expect(oracles.length).toBeGreaterThan(0)
        expect(oracles.length).toBeLessThanOrEqual(LIMITS.offerAddresses)
        for (const oracle of oracles) expect(oracle).toMatch(/\/p2p\/\w+$/)
        if (invite !== null) expect(invite).toMatch(/^[0-9a-f]{32}$/)
      }),
      { numRuns: 2000 },
    )
  })
})

describe('the addresses in a join link', () => {
  const at = (ip: string) => [
    `/ip4/${ip}/tcp/4001/p2p/${ORACLE}`,
    `/ip4/${ip}/tcp/4101/ws/p2p/${ORACLE}`,
    `/ip4/${ip}/udp/9090/webrtc-direct/certhash/${CERTHASH}/p2p/${ORACLE}`,
  ]

  it('are all that there are, those for browsers and from elsewhere first', () => {
    const all = [...at('127.0.0.1'), ...at('192.168.1.20')]
    const sorted = joinAddresses(all)
    expect([...sorted].sort()).toEqual([...all].sort())
    expect(sorted[0]).toBe(at('192.168.1.20')[1])
    expect(sorted.at(-1)).toBe(at('127.0.0.1')[0])
  })

  it('are no more than a link takes, and none too long for it', () => {
    const many = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'].flatMap(at)
    const long = `/dns4/${'a'.repeat(LIMITS.addressBytes)}/tcp/1/ws/p2p/${ORACLE}`
    const oracles = joinAddresses([long, ...many])
    expect(oracles.length).toBe(LIMITS.offerAddresses)
    expect(oracles).not.toContain(long)
    expect(oracles.every((one) => /ws|webrtc/.test(one))).toBe(true)
    expect(parseJoinLink(formatJoinLink({ oracles, invite: INVITE }))).toEqual({ oracles, invite: INVITE })
  })
})

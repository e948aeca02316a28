import { describe, expect, it } from 'vitest'
import { MOST_ORACLES, type OracleEntry } from '../../../entrypoints/options/settings.ts'
import {
  peerIdOf,
  readPasted,
  transportsOf,
  withOracle,
  withoutOracle,
} from '../../../entrypoints/pages/oracle-entries.ts'
import { shortPeerId } from '../../../entrypoints/pages/peer-names.ts'
import { formatJoinLink } from '../../../shared/protocol/join-link.ts'
import { LIMITS } from '../../../shared/protocol/limits.ts'
import { oracle, PEER_A, PEER_B, webSocket } from './states.ts'

const INVITE = 'ab'.repeat(16)
const tcp = `/ip4/192.168.1.20/tcp/4001/p2p/${PEER_A}`

describe('what is pasted', () => {
  it('is a join link or an address', () => {
    const link = formatJoinLink({ oracles: [tcp, webSocket(PEER_A)], invite: INVITE })
    expect(readPasted(`  ${link}\n`)).toEqual({ addresses: [tcp, webSocket(PEER_A)], invite: INVITE })
    expect(readPasted(webSocket(PEER_A))).toEqual(oracle(PEER_A))
  })

  it('must lead to an Oracle by a way that browsers have', () => {
    expect(() => readPasted(tcp)).toThrow(expect.objectContaining({ code: 'NO_TRANSPORT' }))
    expect(() => readPasted('https://example.org')).toThrow(expect.objectContaining({ code: 'FORM' }))
    expect(() => readPasted('/ip4/192.168.1.20/tcp/4101/ws')).toThrow(
      expect.objectContaining({ code: 'NO_PEER_ID' }),
    )
    expect(transportsOf({ addresses: [tcp, webSocket(PEER_A), 'damaged'], invite: null })).toEqual([
      'tcp',
      'websocket',
      'other',
    ])
  })
})

describe('the list of Oracles', () => {
  it('grows at its end, and forgets by peer id', () => {
    const both = withOracle([oracle(PEER_A)], oracle(PEER_B))
    expect(both.map(peerIdOf)).toEqual([PEER_A, PEER_B])
    expect(withoutOracle(both, PEER_A)).toEqual([oracle(PEER_B)])
  })

  it('takes a newer link to the same Oracle in its place: new addresses first, the newer invitation', () => {
    const moved = { addresses: [webSocket(PEER_A, '10.0.0.9')], invite: INVITE }
    const list = withOracle([oracle(PEER_A), oracle(PEER_B)], moved)
    expect(list[0]).toEqual({ addresses: [webSocket(PEER_A, '10.0.0.9'), webSocket(PEER_A)], invite: INVITE })
    // A link without an invitation does not take one away.
    expect(withOracle(list, oracle(PEER_A))[0]!.invite).toBe(INVITE)
    let grown: OracleEntry[] = []
    for (let i = 0; i < 2 * LIMITS.offerAddresses; i++)
      grown = withOracle(grown, { addresses: [webSocket(PEER_A, `10.0.0.${i}`)], invite: null })
    expect(grown).toHaveLength(1)
    expect(grown[0]!.addresses).toHaveLength(LIMITS.offerAddresses)
  })

  it('has an end', () => {
    const full = Array.from({ length: MOST_ORACLES }, (_, i) => oracle(`peer${i}`))
    expect(() => withOracle(full, oracle(PEER_A))).toThrow(expect.objectContaining({ code: 'FULL' }))
    expect(withOracle(full, oracle('peer3'))).toHaveLength(MOST_ORACLES)
  })

  it('shortens peer ids to what tells them apart', () => {
    expect(shortPeerId(PEER_A)).toBe('12D3Ko…c6iDEp')
    expect(shortPeerId('short')).toBe('short')
  })
})

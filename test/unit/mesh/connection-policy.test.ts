import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'
import { listenAddresses } from '../../../native-host/mesh/listen.ts'
import { connectionGater, dialRefusal } from '../../../shared/mesh/connection-policy.ts'
import { transportOf } from '../../../shared/mesh/transport.ts'

const PEER = '12D3KooWSRXd6MNKhbp12gbUuSGdZaBDv4mWcmm7FLFRLsF5zjtz'
const own = {
  scope: 'own',
  listed: [`/ip4/192.168.1.7/tcp/4001/p2p/${PEER}`, '/dns4/home.example/tcp/4001'],
} as const
const swarm = { ...own, scope: 'swarm' } as const

describe('what may be dialled', () => {
  it.each([
    ['/ip4/127.0.0.1/tcp/22', null, 'private'], // a stranger's Offer must not make us knock at our own ports
    ['/ip4/127.8.9.1/udp/9090/webrtc-direct', null, 'private'],
    ['/ip6/::1/tcp/4001', null, 'private'],
    ['/ip4/192.168.1.7/tcp/9999/ws', null, null], // listed by its host
    ['/dns4/home.example/tcp/4001', null, null],
    [`/ip4/192.168.1.7/tcp/4001/p2p/${PEER}/p2p-circuit/p2p/${PEER}`, null, null], // the relay is listed
    ['/ip4/192.168.1.8/tcp/4001', 'private', 'private'],
    ['/ip4/10.0.0.1/tcp/4001', 'private', 'private'],
    ['/ip4/172.16.0.1/tcp/4001', 'private', 'private'],
    ['/ip4/169.254.169.254/tcp/80', 'private', 'private'], // a cloud's metadata
    ['/ip4/100.64.0.1/tcp/4001', 'private', 'private'],
    ['/ip4/0.0.0.0/tcp/4001', 'private', 'private'],
    ['/ip4/224.0.0.1/udp/1/webrtc-direct', 'private', 'private'],
    ['/ip4/255.255.255.255/tcp/1', 'private', 'private'],
    ['/ip6/fe80::1/tcp/4001', 'private', 'private'],
    ['/ip6/fd00::1/tcp/4001', 'private', 'private'],
    ['/ip6/::ffff:192.168.1.8/tcp/4001', 'private', 'private'],
    ['/ip6/::/tcp/4001', 'private', 'private'],
    ['/dns4/localhost.attacker.example/tcp/80', 'name', 'name'],
    ['/dnsaddr/bootstrap.example', 'name', 'name'],
    ['/ip4/8.8.8.8/tcp/4001', 'public', null],
    ['/ip6/2606:4700::1111/tcp/4001', 'public', null],
    [`/p2p/${PEER}`, 'unknown', 'unknown'],
    ['/unix/tmp%2fsocket', 'unknown', 'unknown'],
  ])('%s: %s in scope own, %s in the swarm', (address, inOwn, inSwarm) => {
    expect(dialRefusal(multiaddr(address), own)).toBe(inOwn)
    expect(dialRefusal(multiaddr(address), swarm)).toBe(inSwarm)
  })

  it('in the swarm, this machine may be dialled when the user listed it', () => {
    const listed = { scope: 'swarm', listed: ['/ip4/127.0.0.1/tcp/4001'] } as const
    expect(dialRefusal(multiaddr('/ip4/127.0.0.1/udp/9090/webrtc-direct'), listed)).toBeNull()
    expect(dialRefusal(multiaddr('/ip6/::1/tcp/4001'), listed)).toBe('private')
  })

  it('bans and relaying go by peer id', async () => {
    const peer = peerIdFromString(PEER)
    const banned = connectionGater({ ...own, banned: (id) => id === PEER })
    expect(await banned.denyDialPeer?.(peer)).toBe(true)
    const open = connectionGater(own)
    expect(await open.denyDialPeer?.(peer)).toBe(false)
    expect(await open.denyInboundRelayReservation?.(peer)).toBe(true)
    expect(await connectionGater({ ...own, own: () => true }).denyInboundRelayReservation?.(peer)).toBe(false)
    expect(await connectionGater(swarm).denyInboundRelayReservation?.(peer)).toBe(false)
  })
})

describe('addresses', () => {
  it('listens where it is told, and on nothing that is turned off', () => {
    expect(
      listenAddresses({ host: '127.0.0.1', tcpPort: 4001, webSocketPort: 4101, webRtcPort: 9090 }),
    ).toEqual([
      '/ip4/127.0.0.1/tcp/4001',
      '/ip4/127.0.0.1/tcp/4101/ws',
      '/ip4/127.0.0.1/udp/9090/webrtc-direct',
    ])
    expect(listenAddresses({ host: '::1', tcpPort: null, webSocketPort: null, webRtcPort: 0 })).toEqual([
      '/ip6/::1/udp/0/webrtc-direct',
    ])
  })

  it.each([
    ['/ip4/1.2.3.4/tcp/1', 'tcp'],
    ['/ip4/1.2.3.4/tcp/1/ws', 'websocket'],
    ['/ip4/1.2.3.4/tcp/1/tls/ws', 'websocket'],
    ['/ip4/1.2.3.4/udp/1/webrtc-direct', 'webrtc-direct'],
    [`/ip4/1.2.3.4/tcp/1/p2p/${PEER}/p2p-circuit`, 'relay'],
    [`/ip4/1.2.3.4/udp/1/webrtc-direct/p2p/${PEER}/p2p-circuit/p2p/${PEER}`, 'relay'],
    [`/ip4/1.2.3.4/tcp/1/p2p/${PEER}/p2p-circuit/webrtc/p2p/${PEER}`, 'webrtc'],
    ['/ip4/1.2.3.4/udp/1/quic-v1', 'other'],
  ])('%s is %s', (address, transport) => expect(transportOf(multiaddr(address))).toBe(transport))
})

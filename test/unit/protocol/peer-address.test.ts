import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { describe, expect, it } from 'vitest'
import { peerIdAtEnd } from '../../../shared/protocol/peer-address.ts'
import { byOracle, isAddressOf } from '../../../shared/scout/oracle-addresses.ts'

const peer = async (seed: number) =>
  peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed)))
const [a, b] = [await peer(1), await peer(2)]
const ADDRESS = '/ip4/192.168.1.20/tcp/4101/ws'

describe('the peer at the end of an address', () => {
  it('is the last one, through a relay too', () => {
    expect(peerIdAtEnd(`${ADDRESS}/p2p/${a}`)).toBe(a.toString())
    expect(peerIdAtEnd(`${ADDRESS}/p2p/${a}/p2p-circuit/p2p/${b}`)).toBe(b.toString())
  })

  it('is one, however it is written', () => {
    const addresses = [`${ADDRESS}/p2p/${a}`, `/ip4/127.0.0.1/tcp/1/p2p/${a.toCID()}`]
    expect(addresses.map(peerIdAtEnd)).toEqual([a.toString(), a.toString()])
    expect(byOracle(addresses)).toEqual(new Map([[a.toString(), addresses]]))
    expect(addresses.map((address) => isAddressOf(address, a.toString()))).toEqual([true, true])
  })

  it('is missing where there is none', () => {
    expect(peerIdAtEnd(ADDRESS)).toBeNull()
    expect(peerIdAtEnd(`${ADDRESS}/p2p/${a}/p2p-circuit`)).toBeNull()
    expect(byOracle([ADDRESS])).toEqual(new Map([[ADDRESS, [ADDRESS]]]))
  })

  it('of a stranger’s words is not the Oracle’s', () => {
    for (const words of ['', 'hello', ADDRESS, `${ADDRESS}/p2p/${b}`, '/p2p/', `${ADDRESS}/p2p/nobody`])
      expect(isAddressOf(words, a.toString())).toBe(false)
  })
})

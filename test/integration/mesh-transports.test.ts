import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { ensureIdentity } from '../../native-host/mesh/identity.ts'
import { MeshProcesses } from '../support/mesh/processes.ts'

const processes = new MeshProcesses()
afterAll(() => processes.end())

const PORTS = { host: '127.0.0.1', tcpPort: 0, webSocketPort: 0, webRtcPort: 0 }

describe('a Scout in another process', () => {
  it.each(['tcp', 'websocket', 'webrtc-direct'] as const)(
    'drafts for the Oracle over %s',
    async (transport) => {
      const home = await processes.folder()
      const scoutId = (await ensureIdentity(join(home, 'mesh'))).peerId
      const oracle = await processes.oracle({
        directory: await processes.folder(),
        listen: PORTS,
        scope: 'own',
        paired: [scoutId],
      })
      const { addresses } = await oracle.event('ready')
      const address = addresses.find((one) => one.transport === transport)?.multiaddr
      expect(address).toBeDefined()
      await processes.scout({
        home,
        oracles: [address as string],
        serve: 'listed',
        capacity: 2,
        logLevel: 'error',
      })
      await oracle.event('workers', ({ ids }) => ids.includes(scoutId))

      // Two assignments at once on one stream.
      for (const id of [1, 2]) {
        oracle.send({
          type: 'generate',
          id,
          worker: scoutId,
          prompt: [1, 2, id],
          tokens: 60,
          key: { lo: id, hi: 0 },
          window: 8,
        })
      }
      for (const id of [1, 2]) {
        const generated = await oracle.event('generated', (event) => event.id === id)
        expect(generated.closed).toBeNull()
        // The Scout's model is the Oracle's: every tested draft is right.
        expect(generated.drafted).toBeGreaterThan(0)
        expect(generated.accepted).toBe(generated.drafted)
      }
      oracle.send({ type: 'peers' })
      const { peers } = await oracle.event('peers')
      expect(peers).toMatchObject([
        { peerId: scoutId, role: 'scout', own: true, transports: [transport], faults: 0 },
      ])
      // Stopping with live connections, WebRTC's too, ends the processes in order.
      const leaving = await processes.scout({
        home: await processes.folder(),
        oracles: [address as string],
        serve: 'listed',
        capacity: 1,
        logLevel: 'error',
      })
      expect((await oracle.event('refused')).reason).toBe('not-paired')
      await leaving.kill('SIGTERM')
      expect(await leaving.exited).toBe(0)
      oracle.send({ type: 'stop' })
      expect(await oracle.exited).toBe(0)
    },
  )
})

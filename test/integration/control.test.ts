import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../native-host/control/claim.ts'
import { askState } from '../../native-host/control/control-client.ts'
import { controlPlace, pipeName } from '../../native-host/control/control-place.ts'
import { ControlServer } from '../../native-host/control/control-server.ts'
import { SILENT } from '../../shared/log.ts'
import { BridgeProcess } from '../support/bridge-process.ts'
import { ShardProcess, startOracle, temporaryHome } from '../support/shard-process.ts'

let home: Awaited<ReturnType<typeof temporaryHome>>
beforeEach(async () => {
  home = await temporaryHome()
})
afterEach(() => home[Symbol.asyncDispose]())

const mode = (path: string) => (lstatSync(path).mode & 0o777).toString(8)

describe('the place', () => {
  it('is private to its user', async () => {
    await mkdir(join(home.path, 'run'), { mode: 0o755 })
    await chmod(join(home.path, 'run'), 0o755)
    const held = (await claim(controlPlace(home.path)))!
    expect(mode(join(home.path, 'run'))).toBe('700')
    expect(mode(join(home.path, 'run', 'daemon.sock'))).toBe('600')
    held.release()
    expect(readdirSync(join(home.path, 'run'))).toEqual([])
  })

  it('has one daemon: a second serve names the first and ends', async () => {
    const oracle = await startOracle(home.path, '--mesh-enabled', 'false')
    const second = new ShardProcess(['serve', '--port', '0', '--mesh-enabled', 'false'], {
      SHARD_HOME: home.path,
    })
    await new Promise((resolve) => second.child.once('close', resolve))
    expect(second.child.exitCode).toBe(5)
    expect(second.log).toMatch(
      new RegExp(
        `^shard: a Shard daemon already runs for ${home.path}, process ${oracle.child.pid}: .*shard stop.*\n$`,
      ),
    )
    expect((await fetch(`${oracle.url}/health`)).status).toBe(200)
    await oracle.stop()
  })

  it('goes to one of many that come at once, also over what a killed one left', async () => {
    const place = controlPlace(home.path)
    for (let round = 0; round < 20; round++) {
      const claims = await Promise.all(Array.from({ length: 8 }, () => claim(place)))
      const held = claims.filter((one) => one !== null)
      expect(held, `round ${round}`).toHaveLength(1)
      expect(held[0]!.holds()).toBe(true)
      held[0]!.release()
      // What a killed daemon leaves: a file that is a socket, with nobody behind it.
      const { createServer } = await import('node:net')
      const { linkSync, rmSync } = await import('node:fs')
      const dead = createServer()
      const other = join(home.path, 'run', 'other.sock')
      await new Promise<void>((resolve) => dead.listen(other, resolve))
      linkSync(other, place.mark)
      await new Promise((resolve) => dead.close(resolve))
      rmSync(other, { force: true })
      expect(lstatSync(place.mark).isSocket()).toBe(true)
    }
  })

  it('may lie deeper than a socket’s path may be long', async () => {
    const deep = join(home.path, 'a-folder-with-a-long-name'.repeat(4), 'and-another'.repeat(4))
    const place = controlPlace(deep)
    expect(place.kind).toBe('link')
    const oracle = await startOracle(deep, '--mesh-enabled', 'false')
    const bridge = new BridgeProcess(deep)
    try {
      const target = readlinkSync(place.mark)
      expect(Buffer.byteLength(target)).toBeLessThan(104)
      expect(mode(join(target, '..'))).toBe('700')
      expect((await bridge.hello()).daemon).toMatchObject({ state: 'running', pid: oracle.child.pid })
      expect(await claim(place)).toBeNull()
      // Somebody else's by now, as far as can be told.
      await chmod(join(target, '..'), 0o777)
      expect(await askState(place)).toBeNull()
      await chmod(join(target, '..'), 0o700)
      await oracle.stop('SIGKILL')
      await bridge.status(({ state }) => state === 'stopped')
      const next = await startOracle(deep, '--mesh-enabled', 'false')
      await bridge.status((daemon) => daemon.state === 'running' && daemon.pid === next.child.pid)
      await next.stop()
      expect(() => lstatSync(target)).toThrow(/ENOENT/)
      expect(() => lstatSync(join(target, '..'))).toThrow(/ENOENT/)
    } finally {
      bridge.child.kill()
      await oracle.stop('SIGKILL')
    }
  })

  it('is not taken where a stranger could be behind it', async () => {
    await writeFile(join(home.path, 'run'), '')
    await expect(claim(controlPlace(home.path))).rejects.toMatchObject({ code: 'CANNOT_LISTEN' })
  })

  it('on Windows is a pipe whose name follows from folder and user', () => {
    const place = controlPlace('C:\\Users\\ada\\Shard', 'win32')
    expect(place.kind).toBe('pipe')
    expect(pipeName(place.mark)).toMatch(/^\\\\\.\\pipe\\shard-[0-9a-f]{16}$/)
    expect(pipeName(place.mark)).toBe(pipeName(place.mark.toUpperCase()))
    expect(pipeName(`${place.mark}x`)).not.toBe(pipeName(place.mark))
  })
})

describe('a daemon that is starting', () => {
  it('says so, keeps an attach waiting until it is ready, and tells it when it will not be', async () => {
    const place = controlPlace(home.path)
    const server = await ControlServer.start(home.path, SILENT)
    expect(await askState(place)).toMatchObject({ pid: process.pid, daemon: { state: 'starting' } })
    const bridge = new BridgeProcess(home.path)
    expect((await bridge.hello()).daemon).toEqual({ state: 'starting' })
    const waiting = bridge.attach(true)
    await expect(ControlServer.start(home.path, SILENT)).rejects.toThrow(new RegExp(`process ${process.pid}`))
    await server.close('it could not start: no reason')
    expect(await waiting).toMatchObject({
      type: 'error',
      code: 'NO_DAEMON',
      message: expect.stringContaining('no reason'),
    })
    expect(await bridge.end()).toBe(0)
  })
})

import { chmodSync, lstatSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { ShardError } from '../daemon/shard-error.ts'
import { underLock } from './claim-lock.ts'
import { addressToConnect, addressToListen, type ControlPlace, makePrivate } from './control-place.ts'

/** A place that this process alone listens at. */
export interface Claim {
  readonly server: Server
  /** False when another process has put its own mark over this one's. */
  holds(): boolean
  /** Takes the mark away and no more connections; those that are open stay. */
  release(): void
}

/**
 * Listens at a place, over what a killed daemon may have left there. Of several that come at once one gets it.
 * @returns null when a daemon listens there already
 * @throws {ShardError} CANNOT_LISTEN
 */
export async function claim(place: ControlPlace): Promise<Claim | null> {
  makePrivate(place.folder)
  return underLock(join(place.folder, 'claim.lock'), async () => {
    const address = addressToConnect(place)
    if (address !== null) {
      if (await answers(address)) return null
      if (place.kind !== 'pipe') rmSync(address, { force: true })
    }
    rmSync(place.mark, { force: true })
    return listenAt(place)
  })
}

async function listenAt(place: ControlPlace): Promise<Claim> {
  const address = addressToListen(place)
  const server = createServer()
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(address, resolve)
    })
    if (place.kind === 'link') symlinkSync(address, place.mark)
    // On Windows the pipe is what there is one of; the file tells of it.
    if (place.kind === 'pipe') writeFileSync(place.mark, address)
    // The folder is private, and this tells whoever watches it that now somebody listens.
    else chmodSync(address, 0o600)
  } catch (cause) {
    server.close()
    throw new ShardError('CANNOT_LISTEN', `cannot listen at ${address}: ${(cause as Error).message}`, {
      cause,
    })
  }
  const own = identityOf(place.mark)
  const holds = () => identityOf(place.mark) === own
  return {
    server,
    holds,
    release: () => {
      // Closing removes the socket by its path, which may be another's by now: then this one ends with its process.
      if (!holds()) return void server.unref()
      if (place.kind !== 'socket') rmSync(place.mark, { force: true })
      server.close()
      if (place.kind === 'link') removeIfEmpty(dirname(address))
    },
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder)
  } catch {}
}

function identityOf(path: string): string | null {
  const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true })
  return stat ? `${stat.dev}:${stat.ino}` : null
}

function answers(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

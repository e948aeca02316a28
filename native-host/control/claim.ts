import { randomBytes } from 'node:crypto'
import { chmodSync, lstatSync, renameSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { dirname } from 'node:path'
import { ShardError } from '../daemon/shard-error.ts'
import { addressToConnect, addressToListen, type ControlPlace, makePrivate } from './control-place.ts'

/** A place that this process alone listens at. */
export interface Claim {
  readonly server: Server
  /** False when another process has put its own mark over this one's. */
  holds(): boolean
  /** Takes the mark away and no more connections; those that are open stay. */
  release(): void
}

/** Each try removes what a killed daemon left; only other daemons that start at this moment make more needed. */
const TRIES = 5

/**
 * Listens at a place. The mark is made in one step of the file system that fails when there is one, so of several daemons
 * that start at once one wins. What a killed daemon left is moved away first and looked at again there: it is never a
 * living one's that is removed.
 * @returns null when a daemon listens there already
 * @throws {ShardError} CANNOT_LISTEN
 */
export async function claim(place: ControlPlace): Promise<Claim | null> {
  makePrivate(place.folder)
  for (let i = 0; i < TRIES; i++) {
    const claimed = await listenAt(place)
    if (claimed) return claimed
    if (await answers(addressToConnect(place))) return null
    if (place.kind === 'pipe') continue
    const aside = `${place.mark}.${randomBytes(4).toString('hex')}`
    try {
      renameSync(place.mark, aside)
    } catch {
      continue
    }
    const moved = { ...place, mark: aside }
    const address = addressToConnect(moved)
    if (await answers(address)) {
      // Between the two looks another daemon has come.
      renameSync(aside, place.mark)
      return null
    }
    if (address) rmSync(address, { force: true })
    rmSync(aside, { force: true })
  }
  throw new ShardError(
    'CANNOT_LISTEN',
    `cannot make ${place.mark}: others make and remove it at the same time; try again`,
  )
}

/** Null when there is a mark already. */
async function listenAt(place: ControlPlace): Promise<Claim | null> {
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
    if (place.kind === 'link') rmSync(address, { force: true })
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'EADDRINUSE' || code === 'EEXIST') return null
    throw new ShardError('CANNOT_LISTEN', `cannot listen at ${address}: ${message}`, { cause })
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

function answers(address: string | null): Promise<boolean> {
  if (address === null) return Promise.resolve(false)
  return new Promise((resolve) => {
    const socket: Socket = connect(address)
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

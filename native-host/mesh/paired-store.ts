import { randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { peerId } from '../../shared/protocol/checks.ts'
import { LIMITS } from '../../shared/protocol/limits.ts'

/** A device that was paired, not by a setting but by an invitation or by its own machine's bridge. */
export interface PairedDevice {
  readonly peerId: string
  /** Unix time, ms. */
  readonly pairedAt: number
}

/** The file of paired devices cannot be used; nothing of it was changed. */
export class PairedStoreError extends Error {
  override readonly name = 'PairedStoreError'
  readonly code: 'CORRUPT' | 'UNREADABLE' | 'UNWRITABLE' | 'FULL'

  constructor(code: PairedStoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

const schema = z.object({
  version: z.literal(1),
  devices: z
    .array(
      z.object({
        peer_id: z.string().refine(isPeerId, { error: 'is no peer id' }),
        paired_at: z.iso.datetime(),
      }),
    )
    .max(LIMITS.devices),
})

/** More would not be ours: 256 devices take about 25 KiB. */
const MOST_BYTES = 1024 * 1024

/** Who was paired, kept in a file: written whole or not at all, one change after the other. */
export class PairedStore {
  readonly #path: string
  #devices: readonly PairedDevice[]
  #writing: Promise<void> = Promise.resolve()

  private constructor(path: string, devices: readonly PairedDevice[]) {
    this.#path = path
    this.#devices = devices
  }

  /** @throws {PairedStoreError} when there is a file that is not what this wrote; it is left as it is */
  static async open(path: string): Promise<PairedStore> {
    let json: string
    try {
      json = await readFile(path, 'utf8')
    } catch (cause) {
      const { code, message } = cause as NodeJS.ErrnoException
      if (code === 'ENOENT') return new PairedStore(path, [])
      throw new PairedStoreError('UNREADABLE', `cannot read the paired devices: ${message}`, { cause })
    }
    try {
      if (json.length > MOST_BYTES) throw new Error(`it has ${json.length} characters`)
      const { devices } = schema.parse(JSON.parse(json))
      const list = devices.map((one) => ({ peerId: one.peer_id, pairedAt: Date.parse(one.paired_at) }))
      return new PairedStore(path, list)
    } catch (cause) {
      const why = cause instanceof z.ZodError ? (cause.issues[0]?.message ?? '') : (cause as Error).message
      throw new PairedStoreError(
        'CORRUPT',
        `${path} is damaged (${why}): mend it, or move it away and pair your devices again`,
        { cause },
      )
    }
  }

  list(): readonly PairedDevice[] {
    return this.#devices
  }

  /** @returns false when it was there already @throws {PairedStoreError} FULL, UNWRITABLE */
  async add(peerId: string, pairedAt: number): Promise<boolean> {
    return this.#change((devices) => {
      if (devices.some((one) => one.peerId === peerId)) return null
      if (devices.length >= LIMITS.devices)
        throw new PairedStoreError('FULL', `${LIMITS.devices} devices are paired already: remove one first`)
      return [...devices, { peerId, pairedAt }]
    })
  }

  /** @returns false when it was not there @throws {PairedStoreError} UNWRITABLE */
  async remove(peerId: string): Promise<boolean> {
    return this.#change((devices) => {
      const rest = devices.filter((one) => one.peerId !== peerId)
      return rest.length < devices.length ? rest : null
    })
  }

  /** What `next` returns counts once it is on the disk; null changes nothing. */
  #change(next: (devices: readonly PairedDevice[]) => readonly PairedDevice[] | null): Promise<boolean> {
    const change = this.#writing.then(async () => {
      const devices = next(this.#devices)
      if (devices === null) return false
      await this.#write(devices)
      this.#devices = devices
      return true
    })
    this.#writing = change.then(
      () => {},
      () => {},
    )
    return change
  }

  async #write(devices: readonly PairedDevice[]): Promise<void> {
    const content = {
      version: 1,
      devices: devices.map(({ peerId, pairedAt }) => ({
        peer_id: peerId,
        paired_at: new Date(pairedAt).toISOString(),
      })),
    }
    const draft = `${this.#path}.${process.pid}.${randomBytes(4).toString('hex')}`
    try {
      await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 })
      const file = await open(draft, 'wx', 0o600)
      try {
        await file.writeFile(`${JSON.stringify(content, null, 2)}\n`)
        // On the disk before it takes the old one's place: a power cut leaves one of the two.
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, this.#path)
    } catch (cause) {
      await rm(draft, { force: true }).catch(() => {})
      const { message } = cause as Error
      throw new PairedStoreError('UNWRITABLE', `cannot write the paired devices: ${message}`, { cause })
    }
  }
}

function isPeerId(text: string): boolean {
  try {
    peerId('peer_id', text)
    return true
  } catch {
    return false
  }
}

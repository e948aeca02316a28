import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { LIMITS } from '../../shared/protocol/limits.ts'

interface Invite {
  /** SHA-256: what this process keeps cannot be used by whoever reads its memory or a crash dump. */
  readonly hash: Buffer
  readonly expiresAt: number
}

/** An invitation as it is given away, once. */
export interface NewInvite {
  /** 16 bytes, hex. */
  readonly invite: string
  /** Unix time, ms. */
  readonly expiresAt: number
}

/**
 * The live invitations: each pairs one device, once, until it expires. They end with the process. At most
 * `LIMITS.invites`: a new one takes the place of the oldest.
 */
export class Invites {
  readonly #now: () => number
  #live: readonly Invite[] = []

  /** @param now Unix time, ms */
  constructor(now: () => number = Date.now) {
    this.#now = now
  }

  get live(): number {
    return this.#unexpired().length
  }

  /** @param hours more than 0, at most `LIMITS.inviteHours` */
  create(hours: number): NewInvite {
    if (!(hours > 0 && hours <= LIMITS.inviteHours))
      throw new RangeError(`an invitation lives for up to ${LIMITS.inviteHours} hours, not ${hours}`)
    const secret = randomBytes(LIMITS.inviteBytes)
    const expiresAt = Math.round(this.#now() + hours * 3600_000)
    this.#live = [...this.#unexpired(), { hash: hashOf(secret), expiresAt }].slice(-LIMITS.invites)
    return { invite: secret.toString('hex'), expiresAt }
  }

  /** Uses it up. @param invite hex @returns false: it never was, was used before, or is too old */
  redeem(invite: string): boolean {
    const hash = hashOf(Buffer.from(invite, 'hex'))
    let found: Invite | null = null
    // All are compared, each in constant time: how long this takes says nothing about any of them.
    for (const one of this.#unexpired()) if (timingSafeEqual(one.hash, hash)) found = one
    this.#live = this.#unexpired().filter((one) => one !== found)
    return found !== null
  }

  #unexpired(): readonly Invite[] {
    const now = this.#now()
    return this.#live.filter(({ expiresAt }) => expiresAt > now)
  }
}

function hashOf(secret: Buffer): Buffer {
  return createHash('sha256').update(secret).digest()
}

import { ApiError } from './api-error.ts'

/** The requests under way, and their limit. */
export class Gate {
  #open = 0
  readonly #limit: number

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @returns what must be called once the request has ended. @throws {ApiError} 429 */
  enter(): () => void {
    if (this.#open >= this.#limit)
      throw new ApiError(429, `${this.#limit} requests are under way already (setting api.max_requests)`, {
        code: 'rate_limit_exceeded',
        headers: { 'Retry-After': '1' },
      })
    this.#open++
    let inside = true
    return () => {
      if (inside) this.#open--
      inside = false
    }
  }
}

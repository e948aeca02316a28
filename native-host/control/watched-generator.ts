import type { Generator } from '../oracle/generation.ts'

/** The same generator; `changed` is called whenever a request may have begun, gone on or ended. */
export function watchedGenerator(generator: Generator, changed: () => void): Generator {
  return {
    status: () => generator.status(),
    async *generate(request, signal) {
      changed()
      try {
        for await (const event of generator.generate(request, signal)) {
          changed()
          yield event
        }
      } finally {
        changed()
      }
    },
  }
}

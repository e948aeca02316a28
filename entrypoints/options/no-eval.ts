import { z } from 'zod'

/** zod would compile its parsers where it may: trying that breaks the extension's policy, and Firefox logs every breach. */
z.config({ jitless: true })

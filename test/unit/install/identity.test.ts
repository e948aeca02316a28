import { createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import {
  CHROMIUM_EXTENSION_ID,
  chromiumExtensionId,
  EXTENSION_KEY,
} from '../../../shared/extension/identity.ts'

it("computes the extension's id from its key, as Chromium does", async () => {
  expect(await chromiumExtensionId(EXTENSION_KEY)).toBe(CHROMIUM_EXTENSION_ID)
  expect(CHROMIUM_EXTENSION_ID).toMatch(/^[a-p]{32}$/)
})

it('has a key that Chromium takes: an RSA public key of 2048 bits, as SPKI', () => {
  const key = createPublicKey({ key: Buffer.from(EXTENSION_KEY, 'base64'), format: 'der', type: 'spki' })
  expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048)
})

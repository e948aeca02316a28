/**
 * The public key in the extension's manifest (base64 of its SPKI DER): it fixes the id of an unpacked build, wherever it is
 * loaded from. Its private half was thrown away: a store signs with a key of its own, and gives another id.
 */
export const EXTENSION_KEY = [
  'MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEArLIYcT7jAI+4ew7qI7LxZlMKwcpwvquQOkrHA8wY/ORG',
  '1YU+dttWU77r/uURbOT6gRm7sIRVNdAf0+51z1s0n1SIKxPQS4iv1p/It0B/yGnmbWADiQq0VC0wWho5c0p6K1B4',
  'vQ4XmAMtPD9hCugNkrrDio52yDV8FYli33sp0eCu8uT1CRaXxBS/XKyVYMT0+6DxpFi5DXmpd0POBP8HO32tJx7Y',
  '0ITOPuEaT5PnvKr2F9Q7xZBgl/qpRd7ka7FPM/0jnC3qvOhM2RlM+uucfbo3y47D0+m/tbO2lBn/dcUpHRuF3rFa',
  'YFPdTYRunSwel/D2LH6hzu9K4ORHXIMhtwIDAQAB',
].join('')

/** Chromium's id of an extension with {@link EXTENSION_KEY}; a test holds it equal to {@link chromiumExtensionId}. */
export const CHROMIUM_EXTENSION_ID = 'igfafdlfbpaecjlbcjichmmkokkedghb'

/** The id that Firefox knows the extension by. */
export const FIREFOX_ADDON_ID = 'scout@shard.dev'

/** Chromium's rule: the first 16 bytes of the key's SHA-256, each hex digit written as one of a–p. */
export async function chromiumExtensionId(key: string): Promise<string> {
  const der = Uint8Array.from(atob(key), (character) => character.charCodeAt(0))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', der)).subarray(0, 16)
  const letter = (digit: number) => String.fromCharCode(97 + digit)
  return Array.from(digest, (byte) => letter(byte >> 4) + letter(byte & 15)).join('')
}

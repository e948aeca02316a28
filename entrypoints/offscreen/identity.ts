import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

const DATABASE = 'shard-identity'
const STORE = 'keys'
const KEY = 'node'

/**
 * This browser's node key, made on first use and kept in IndexedDB: reputation and pairing hang on the peer id.
 * Two documents that start at once get the same.
 */
export async function ensurePrivateKey(): Promise<PrivateKey> {
  const database = await open()
  try {
    const stored = await read(database)
    if (stored) return privateKeyFromProtobuf(stored)
    const made = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
    // `add` refuses where another document was faster: then its key is the one.
    await request(database.transaction(STORE, 'readwrite').objectStore(STORE).add(made, KEY)).catch(() => {})
    const kept = await read(database)
    if (!kept) throw new Error('this browser does not keep the key of the node: is its storage full?')
    return privateKeyFromProtobuf(kept)
  } finally {
    database.close()
  }
}

function open(): Promise<IDBDatabase> {
  const opening = indexedDB.open(DATABASE, 1)
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
  return request(opening)
}

function read(database: IDBDatabase): Promise<Uint8Array | undefined> {
  return request(database.transaction(STORE).objectStore(STORE).get(KEY))
}

function request<T>(pending: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    pending.onsuccess = () => resolve(pending.result)
    pending.onerror = () => reject(pending.error)
  })
}

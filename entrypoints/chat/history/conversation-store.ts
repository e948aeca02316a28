import type { Conversation } from './conversation.ts'

const DATABASE = 'shard-chat'
const STORE = 'conversations'
/** The oldest go: a list that nobody can read is no history. */
const MOST_CONVERSATIONS = 200

/** Conversations in this browser's IndexedDB; nothing of them leaves it but what is asked of the Oracle. */
export class ConversationStore {
  #database: Promise<IDBDatabase> | null = null

  /** Newest first. An answer that was being written when the page went away counts as stopped. */
  async list(): Promise<Conversation[]> {
    const all = await this.#run<Conversation[]>('readonly', (store) => store.getAll())
    return all
      .sort((a, b) => b.updatedAt - a.updatedAt)
      .map((conversation) => ({
        ...conversation,
        messages: conversation.messages.map((message) =>
          message.role === 'assistant' && message.state === 'writing'
            ? { ...message, state: 'stopped' as const }
            : message,
        ),
      }))
  }

  async save(conversation: Conversation): Promise<void> {
    await this.#run('readwrite', (store) => store.put(conversation))
    const all = await this.list()
    for (const { id } of all.slice(MOST_CONVERSATIONS)) await this.delete(id)
  }

  async delete(id: string): Promise<void> {
    await this.#run('readwrite', (store) => store.delete(id))
  }

  async #run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest): Promise<T> {
    this.#database ??= open()
    const transaction = (await this.#database).transaction(STORE, mode)
    const request = act(transaction.objectStore(STORE))
    return new Promise<T>((resolve, reject) => {
      transaction.oncomplete = () => resolve(request.result as T)
      transaction.onabort = () => reject(transaction.error)
    })
  }
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: 'id' })
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error)
  })
}

/**
 * Several streams as one, in order of arrival. When one fails or the reader leaves, the others are ended.
 */
export async function* merge<T>(sources: readonly AsyncIterable<T>[]): AsyncGenerator<T, void, void> {
  const iterators = sources.map((source) => source[Symbol.asyncIterator]())
  const pending = new Map<number, Promise<{ index: number; result: IteratorResult<T> }>>()
  const pull = (index: number) =>
    pending.set(
      index,
      iterators[index]!.next().then((result) => ({ index, result })),
    )
  for (let index = 0; index < iterators.length; index++) pull(index)
  try {
    while (pending.size > 0) {
      const { index, result } = await Promise.race(pending.values())
      if (result.done) pending.delete(index)
      else {
        pull(index)
        yield result.value
      }
    }
  } finally {
    // The ends are awaited by nobody: an iterator that waits inside `next` ends when its signal does.
    for (const promise of pending.values()) promise.catch(() => {})
    for (const iterator of iterators) iterator.return?.()?.catch(() => {})
  }
}

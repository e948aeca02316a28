import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

it('messages.ts is what messages.proto generates', async () => {
  const out = await mkdtemp(join(tmpdir(), 'shard-protocol-'))
  try {
    const script = new URL('../../../scripts/protocol.mjs', import.meta.url).pathname
    await promisify(execFile)(process.execPath, [script, out])
    const committed = new URL('../../../shared/protocol/messages.ts', import.meta.url)
    expect(await readFile(join(out, 'messages.ts'), 'utf8')).toBe(await readFile(committed, 'utf8'))
  } finally {
    await rm(out, { recursive: true })
  }
})

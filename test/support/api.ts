import { readFile } from 'node:fs/promises'
import { createApp } from '../../native-host/api/app.ts'
import type { GuardRules } from '../../native-host/api/guard.ts'
import { textCodec } from '../../native-host/api/text-codec.ts'
import { createMetrics } from '../../native-host/metrics.ts'
import type { Generator } from '../../native-host/oracle/generation.ts'
import { createOracle } from '../../native-host/oracle/oracle.ts'
import { loadReferenceEngine } from '../../shared/engine/reference/reference-engine.ts'
import { SILENT } from '../../shared/log.ts'
import { Tokenizer } from '../../shared/tokenizer/tokenizer.ts'
import { oneModel } from './one-model.ts'

const embedded = new URL('../../models/embedded/', import.meta.url)
const json = async (name: string) => JSON.parse(await readFile(new URL(name, embedded), 'utf8'))

/** The API over the embedded target on the reference engine, without sockets and without a mesh. */
export async function inProcessApi(
  options: {
    rules?: Partial<GuardRules>
    maxRequests?: number
    wrap?: (generator: Generator) => Generator
  } = {},
) {
  const engine = await loadReferenceEngine(await readFile(new URL('target.gguf', embedded)))
  const tokenizer = await Tokenizer.load(await json('tokenizer.json'), await json('tokenizer_config.json'))
  const metrics = createMetrics()
  const oracle = createOracle({ engine, metrics })
  const app = createApp({
    api: {
      build: '0.0.0',
      models: oneModel(options.wrap?.(oracle) ?? oracle, textCodec(tokenizer, engine.info.model)),
      health: () => ({}),
      mesh: null,
      metrics,
      log: SILENT,
      scope: 'own',
      limits: { maxBodyBytes: 64 * 1024, maxRequests: options.maxRequests ?? 64 },
    },
    rules: { loopback: true, names: [], origins: [], key: '', token: '', ...options.rules },
    files: new Map(),
  })
  const headers = { host: '127.0.0.1', 'content-type': 'application/json' }
  return {
    app,
    oracle,
    tokenizer,
    engine,
    get: (path: string, extra: Record<string, string> = {}) =>
      app.request(path, { headers: { ...headers, ...extra } }),
    post: (path: string, body: unknown, extra: Record<string, string> = {}) =>
      app.request(path, {
        method: 'POST',
        headers: { ...headers, ...extra },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  }
}

/** The JSON events of a stream, without [DONE]; says whether that came. */
export async function readEvents(response: Response): Promise<{ events: unknown[]; done: boolean }> {
  const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
  const done = lines.at(-1) === 'data: [DONE]'
  return { events: lines.slice(0, done ? -1 : undefined).map((line) => JSON.parse(line.slice(6))), done }
}

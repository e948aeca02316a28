import { version } from '../packaged/version.ts'
import type { Settings } from '../settings/schema.ts'
import type { Daemon } from './daemon.ts'

/**
 * What `shard serve` says once it runs: all that is needed to use it.
 * @param join a link that pairs a device; null where what is said is kept in a log
 * @param extension folder of the built extension; null where there is none, as in the single executable
 */
export function welcome(
  daemon: Daemon,
  settings: Settings,
  join: string | null,
  extension: string | null,
): string {
  const { url, modelId, engine, engineWhy, multiaddrs, scouts } = daemon
  const pace = settings['engine.pace_ms']
  const lines: [string, string][] = [
    ['API', `${url}/v1`],
    ['Chat', `${url}/`],
    ['Model', `${engine.model.name} (${modelId})`],
    ['Engine', `${engine.kind}: ${engineWhy}`],
    ...multiaddrs.map((address, i): [string, string] => [i === 0 ? 'Oracle' : '', address]),
    ...(join ? [['Join', join] as [string, string]] : []),
    ['Scope', SCOPES[settings['mesh.scope']]],
  ]
  if (scouts > 0)
    lines.push(['Scouts', `${scouts} headless, in processes of their own, paired with this Oracle`])
  if (pace > 0)
    lines.push([
      'Pace',
      `${pace} ms least per pass: this model is small, and pretends to be large (--pace 0 turns that off)`,
    ])
  const body = JSON.stringify({
    messages: [{ role: 'user', content: 'Tell me a story about a fox.' }],
    max_tokens: 80,
    stream: true,
  })
  const key = settings['api.key'] === '' ? '' : "-H 'Authorization: Bearer KEY' "
  const browser = `
  A Scout in your browser: open chrome://extensions, turn on Developer mode, press Load unpacked, choose

  ${extension}

  and paste the Join link above into its popup.
`
  return `
  Shard ${version} is ready.

${lines.map(([name, value]) => `  ${name.padEnd(8)}${value}\n`).join('')}
  Try it:

  curl -N ${url}/v1/chat/completions ${key}-H 'Content-Type: application/json' -d '${body}'
${extension && join ? browser : ''}
  Ctrl-C stops everything.

`
}

const SCOPES: Readonly<Record<Settings['mesh.scope'], string>> = {
  none: 'none: nobody else sees a prompt',
  own: 'own: only your own Scouts see prompts',
  swarm: 'swarm: Scouts of strangers see prompts (as token ids)',
}

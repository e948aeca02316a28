import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (name: string) => readFileSync(join(root, name), 'utf8')
const scripts: Record<string, string> = JSON.parse(read('package.json')).scripts
const PAPERS = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'models/README.md', 'native/README.md']

/** Lines of the fenced `sh` blocks and `inline code`, without comments. */
function commands(text: string): string[] {
  const blocks = [...text.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, body]) => body!.split('\n'))
  const inline = [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
  return [...blocks, ...inline].map((line) => line.replace(/\s+#.*$/, '').trim())
}

function help(...verb: string[]): string {
  return execFileSync(process.execPath, [join(root, 'dist', 'shard.js'), ...verb, '--help'], {
    encoding: 'utf8',
  })
}

describe.each(PAPERS)('%s', (name) => {
  const lines = commands(read(name))

  it('names only npm scripts that exist', () => {
    for (const line of lines) {
      const script = line.match(/^npm (?:run (?:--silent )?)?(start|test|[\w:]+)/)?.[1]
      if (script !== undefined) expect(scripts, line).toHaveProperty(script)
    }
  })

  it('links only to files that exist', () => {
    const links = [...read(name).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map(([, path]) => path!)
    for (const path of links) expect(existsSync(join(root, name, '..', path)), path).toBe(true)
  })
})

describe('README.md', () => {
  const lines = commands(read('README.md'))

  it('has the two commands, and uses flags that the command line knows', () => {
    expect(lines).toContain('npm start')
    expect(lines).toContain('npm test')
    const shard = lines.flatMap((line) => {
      const rest = line.match(/^npm run --silent shard -- (.+)/)?.[1] ?? line.match(/^npm start -- (.+)/)?.[1]
      return rest === undefined ? [] : [line.startsWith('npm start') ? `serve ${rest}` : rest]
    })
    expect(shard.length).toBeGreaterThan(5)
    const known = help()
    for (const command of shard) {
      const [verb, ...words] = command.split(' ')
      expect(known, command).toMatch(new RegExp(`^  ${verb}\\b`, 'm'))
      const flags = words.filter((word) => word.startsWith('--'))
      const text = flags.length > 0 ? help(verb!) : ''
      for (const flag of flags) expect(text, command).toMatch(new RegExp(`${flag}\\b`))
    }
  })

  it('fills every number in', () => {
    expect(read('README.md')).not.toMatch(/@@|TODO|TBD/)
  })
})

import { existsSync } from 'node:fs'
import { dirname, join, posix, win32 } from 'node:path'
import { isSea } from 'node:sea'
import { ShardError } from '../daemon/shard-error.ts'

/** The environment that decides where this user's files lie: a browser's may be another than the shell's. */
const PINNED = ['SHARD_HOME', 'XDG_DATA_HOME', 'XDG_CONFIG_HOME', 'XDG_CACHE_HOME'] as const

/**
 * What a manifest points to, since it can name no arguments: a script that starts the bridge, with this Node and from
 * this place, and with the folders that hold now.
 */
export interface Launcher {
  readonly path: string
  readonly text: string
}

export function launcherPath(folder: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? win32.join(folder, 'shard-bridge.bat') : posix.join(folder, 'shard-bridge')
}

/** The program that answers as the bridge, with its arguments. @throws {ShardError} NOT_BUILT */
export function bridgeCommand(script: string | undefined = process.argv[1]): readonly string[] {
  if (isSea()) return [process.execPath, 'bridge']
  const bridge = join(dirname(script ?? ''), 'bridge.js')
  if (existsSync(bridge)) return [process.execPath, bridge]
  throw new ShardError('NOT_BUILT', `${bridge} is missing: npm run build makes it`)
}

/** @throws {ShardError} USAGE when a path cannot be written in a script */
export function launcher(
  folder: string,
  command: readonly string[],
  platform: NodeJS.Platform,
  env: NodeJS.ProcessEnv,
): Launcher {
  const pinned = PINNED.flatMap((name) => (env[name] ? [[name, env[name]] as const] : []))
  for (const text of [...command, ...pinned.map(([, value]) => value)])
    if (hasControlCharacter(text) || (platform === 'win32' && text.includes('"')))
      throw new ShardError('USAGE', `${JSON.stringify(text)} cannot stand in a script: use another folder`)
  if (platform === 'win32') {
    const lines = [
      '@echo off',
      // Paths are UTF-8.
      'chcp 65001 >nul',
      ...pinned.map(([name, value]) => `set "${name}=${batch(value)}"`),
      `${command.map((word) => `"${batch(word)}"`).join(' ')} %*`,
    ]
    return { path: launcherPath(folder, platform), text: lines.map((line) => `${line}\r\n`).join('') }
  }
  const lines = [
    '#!/bin/sh',
    '# Written by `shard install`: browsers start it for the Shard extension.',
    ...pinned.map(([name, value]) => `export ${name}=${shell(value)}`),
    `exec ${command.map(shell).join(' ')} "$@"`,
  ]
  return { path: launcherPath(folder, platform), text: lines.map((line) => `${line}\n`).join('') }
}

function shell(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

function batch(text: string): string {
  return text.replaceAll('%', '%%')
}

function hasControlCharacter(text: string): boolean {
  return [...text].some((character) => character < ' ' || character === '\x7f')
}

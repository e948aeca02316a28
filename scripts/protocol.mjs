// npm run protocol [-- OUT_DIR]: generates messages.ts from shared/protocol/messages.proto.
// protons emits code that is not clean under exactOptionalPropertyTypes, so the checker skips the generated file's
// inside; its exported types are used, and checked, everywhere else.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const out = process.argv[2] ?? join(root, 'shared/protocol')
const proto = join(root, 'shared/protocol/messages.proto')

execFileSync(process.execPath, [join(root, 'node_modules/protons/dist/bin/protons.js'), proto, '-o', out], {
  stdio: 'inherit',
})
const file = join(out, 'messages.ts')
const header = '// @ts-nocheck\n// Generated from messages.proto by `npm run protocol`. Do not edit.\n'
writeFileSync(file, header + readFileSync(file, 'utf8'))

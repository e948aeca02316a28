// The licences of what our bundles carry: the extension's packages; the single executable's, and Node.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './toolchain.mjs'

/**
 * @param {string[]} inputs files of the bundle, relative to the root
 * @returns {string}
 */
export function bundleNotices(inputs) {
  return toText(packagesOf(inputs))
}

/**
 * @param {string[]} inputs files of the bundle, relative to the root
 * @param {string} node the executable that it is put into
 * @returns {string}
 */
export function executableNotices(inputs, node) {
  // Beside bin/node in a package or an archive of Node; elsewhere its text is a click away.
  const nodeLicence = join(dirname(node), '..', 'LICENSE')
  const sections = [
    {
      name: `Node.js ${process.version}`,
      licence: 'MIT and others',
      text: existsSync(nodeLicence)
        ? readFileSync(nodeLicence, 'utf8')
        : `https://github.com/nodejs/node/blob/${process.version}/LICENSE`,
    },
    ...packagesOf(inputs),
    // libdatachannel, libjuice, libsrtp, usrsctp and OpenSSL are linked into its addon.
    describe(join('node_modules', 'node-datachannel')),
  ]
  return toText(sections)
}

function packagesOf(inputs) {
  const folders = new Set(inputs.map(packageFolder).filter((folder) => folder !== null))
  return [...folders].map(describe).sort((a, b) => a.name.localeCompare(b.name))
}

function toText(sections) {
  const unique = sections.filter(({ name }, i) => sections.findIndex((other) => other.name === name) === i)
  return unique
    .map(({ name, licence, text }) => `${'='.repeat(80)}\n${name} (${licence})\n\n${text.trim()}\n`)
    .join('\n')
}

/** `node_modules/a/node_modules/@b/c` of a file below it; null for our own. */
function packageFolder(file) {
  const at = file.lastIndexOf('node_modules/')
  if (at < 0) return null
  const parts = file.slice(at + 'node_modules/'.length).split('/')
  return (
    file.slice(0, at + 'node_modules/'.length) + parts.slice(0, parts[0].startsWith('@') ? 2 : 1).join('/')
  )
}

function describe(folder) {
  const path = join(root, folder)
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  const texts = readdirSync(path)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .map((file) => readFileSync(join(path, file), 'utf8').trim())
  return { name: `${name} ${version}`, licence: license ?? 'see below', text: texts.join('\n\n') }
}

import 'reflect-metadata'
import { randomBytes } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as x509 from '@peculiar/x509'

/** What @libp2p/webrtc takes: PEMs, and the certificate's hash as a multibase multihash, as it stands in multiaddrs. */
export interface TransportCertificate {
  readonly privateKey: string
  readonly pem: string
  readonly certhash: string
}

export interface Identity {
  readonly peerId: string
  readonly privateKey: PrivateKey
  readonly certificate: TransportCertificate
}

/**
 * Peers check the certificate by its hash alone, never by its dates, and the hash stands in addresses that people have
 * stored: so it lives long. (libp2p's own is renewed every two weeks, and its address changes with it.)
 */
const CERTIFICATE_YEARS = 20

/**
 * The node's key and WebRTC certificate, made on first use and kept in `directory` (readable by its owner alone): peer
 * id and addresses survive restarts. Two processes that start at once get the same.
 */
export async function ensureIdentity(directory: string): Promise<Identity> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  await chmod(directory, 0o700)
  const key = await once(join(directory, 'identity.key'), async () =>
    Buffer.from(privateKeyToProtobuf(await generateKeyPair('Ed25519'))).toString('base64'),
  )
  const pem = await once(join(directory, 'webrtc.pem'), createCertificate)
  const privateKey = privateKeyFromProtobuf(Buffer.from(key, 'base64'))
  return {
    peerId: peerIdFromPrivateKey(privateKey).toString(),
    privateKey,
    certificate: await readCertificate(pem),
  }
}

/** Reads a file, or writes it first: complete or not at all, and never over another's. */
async function once(path: string, make: () => Promise<string>): Promise<string> {
  const read = () => readFile(path, 'utf8')
  try {
    return await read()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  await writeFile(draft, await make(), { mode: 0o600, flag: 'wx' })
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    await rm(draft)
  }
  return read()
}

/** A self-signed P-256 certificate (what all WebRTC stacks accept) and its key, as PEMs one after the other. */
async function createCertificate(): Promise<string> {
  const { subtle } = crypto
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const notBefore = new Date(Date.now() - 24 * 3600_000)
  const notAfter = new Date(notBefore)
  notAfter.setFullYear(notAfter.getFullYear() + CERTIFICATE_YEARS)
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `01${randomBytes(15).toString('hex')}`,
      name: 'CN=shard',
      notBefore,
      notAfter,
      keys,
      signingAlgorithm: algorithm,
      extensions: [new x509.BasicConstraintsExtension(false, undefined, true)],
    },
    crypto,
  )
  const pkcs8 = Buffer.from(await subtle.exportKey('pkcs8', keys.privateKey))
  return `${x509.PemConverter.encode(pkcs8, 'PRIVATE KEY')}\n${certificate.toString('pem')}\n`
}

async function readCertificate(file: string): Promise<TransportCertificate> {
  const [privateKey, pem] = file.match(/-----BEGIN [A-Z ]+-----[^-]+-----END [A-Z ]+-----/g) ?? []
  if (!privateKey || !pem)
    throw new Error('webrtc.pem: expected a private key and a certificate; delete it to make new ones')
  const raw = new x509.X509Certificate(pem).rawData
  const digest = Buffer.from(await crypto.subtle.digest('SHA-256', raw))
  // Multihash: 0x12 = SHA-256, 0x20 = 32 bytes. Multibase: u = base64url without padding.
  const certhash = `u${Buffer.concat([Buffer.from([0x12, 0x20]), digest]).toString('base64url')}`
  return { privateKey, pem, certhash }
}

import { LIMITS } from '../../shared/protocol/limits.ts'
import { ControlClient } from '../control/control-client.ts'
import { controlPlace } from '../control/control-place.ts'
import { ShardError } from '../daemon/shard-error.ts'
import { homeFolders } from '../settings/home.ts'

/** `shard device invite`: a join link, for one device. */
export async function deviceInvite(options: {
  readonly hours: string
  readonly json?: boolean
}): Promise<void> {
  const hours = Number(options.hours)
  if (!(hours > 0 && hours <= LIMITS.inviteHours))
    throw new ShardError(
      'USAGE',
      `--hours is ${options.hours}, expected a number above 0 and up to ${LIMITS.inviteHours}`,
    )
  const { link, expires_at } = await withDaemon((daemon) => daemon.invite(hours))
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ link, expires_at }, null, 2)}\n`)
    return
  }
  process.stdout.write(`${link}\n`)
  process.stderr.write(`Good for one device, until ${expires_at} or the daemon's end.\n`)
}

/** `shard device list` */
export async function deviceList(options: { readonly json?: boolean }): Promise<void> {
  const devices = await withDaemon((daemon) => daemon.devices())
  if (options.json) {
    process.stdout.write(`${JSON.stringify(devices, null, 2)}\n`)
    return
  }
  const lines = devices.map(
    ({ peer_id, paired_at }) =>
      `${peer_id}  ${paired_at === null ? 'by the settings' : `since ${paired_at}`}\n`,
  )
  process.stdout.write(lines.length > 0 ? lines.join('') : 'No device is paired: `shard device invite`.\n')
}

/** `shard device remove PEER_ID` */
export async function deviceRemove(peerId: string): Promise<void> {
  await withDaemon((daemon) => daemon.removeDevice(peerId))
  process.stdout.write(`${peerId} is paired no longer.\n`)
}

/** @throws {ShardError} NO_DAEMON */
async function withDaemon<T>(ask: (daemon: ControlClient) => Promise<T>): Promise<T> {
  const { data } = homeFolders(process.env)
  const daemon = await ControlClient.connect(controlPlace(data))
  if (daemon === null)
    throw new ShardError('NO_DAEMON', `no daemon runs for ${data}: start it with \`shard serve\``)
  try {
    return await ask(daemon)
  } finally {
    daemon.end()
  }
}

import type { Log } from '../../shared/log.ts'

/**
 * What nobody caught. A rejected promise of some library's stream is logged and the process goes on: a peer must not be
 * able to end it. An exception that was thrown past everything has left unknown state behind: the process ends.
 */
export function logUncaught(log: Log): void {
  process.on('unhandledRejection', (reason) => log.error({ err: reason }, 'a rejection that nobody handled'))
  process.on('uncaughtException', (error) => {
    log.error({ err: error }, 'an exception that nobody caught')
    process.exit(1)
  })
}

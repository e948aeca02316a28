export type ShardErrorCode =
  | 'USAGE' // the command line is not right
  | 'ALREADY_RUNNING' // another daemon has this data folder
  | 'PORT_IN_USE'
  | 'CANNOT_LISTEN'
  | 'MODEL_NOT_FOUND'
  | 'TOKENIZER_NOT_FOUND'
  | 'TOKENIZER_MISMATCH' // the tokenizer beside the model is another model's
  | 'NO_DAEMON' // nothing answers at the API's address
  | 'PAIRED_FILE' // the file of paired devices cannot be read or written
  | 'NO_MESH' // the daemon takes no part in the mesh
  | 'NO_DEVICE' // no such paired device
  | 'BAD_PEER_ID'
  | 'REFUSED' // the daemon answered with an error
  | 'NOT_BUILT' // a file that `npm run build` makes is missing
  | 'NOT_INSTALLED' // no browser to install for, or nothing to uninstall
  | 'FOREIGN_FILE' // somebody else's file lies where one of ours should
  | 'CANNOT_READ'
  | 'CANNOT_WRITE'
  | 'CANNOT_UNPACK' // the single executable's files cannot be put into the cache folder

/** Exit codes of the command line. */
export const EXIT = { failure: 1, usage: 2, portInUse: 3, noDaemon: 4, alreadyRunning: 5 } as const

/** Something that its reader can do something about: the message is one line and says what. */
export class ShardError extends Error {
  override readonly name = 'ShardError'
  readonly code: ShardErrorCode

  constructor(code: ShardErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }

  get exitCode(): number {
    if (this.code === 'USAGE') return EXIT.usage
    if (this.code === 'PORT_IN_USE') return EXIT.portInUse
    if (this.code === 'ALREADY_RUNNING') return EXIT.alreadyRunning
    return this.code === 'NO_DAEMON' ? EXIT.noDaemon : EXIT.failure
  }
}

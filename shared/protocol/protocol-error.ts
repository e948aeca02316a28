export type ProtocolErrorCode =
  | 'FRAME_LENGTH' // the length before a frame is malformed or past the limit
  | 'FRAME_TIMEOUT' // a frame began and did not end in time
  | 'DECODE' // not the protobuf message expected
  | 'AMBIGUOUS' // more than one message in a frame
  | 'RANGE' // a number, length or count outside its limits
  | 'TEXT' // a string with characters that don't belong there
  | 'ORDER' // a message that may not come now
  | 'ASSIGNMENT' // an assignment that was never given
  | 'PATH' // a Draft or Verified that does not continue the path
  | 'RATE' // too many
  | 'SLOW' // the peer does not read
  | 'INVITE' // an invitation that never was, was used up, or is too old
  | 'SIGNATURE' // not signed by the one it names

/** A peer broke the protocol: its stream is closed and the fault counted. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode

  constructor(code: ProtocolErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

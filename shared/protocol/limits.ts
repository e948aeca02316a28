/**
 * Every limit and deadline of the mesh, with its reason. Sizes in bytes, times in milliseconds, unless the name says.
 * What a peer sends is checked against these before it is used or allocated.
 */
export const LIMITS = {
  /** A Scout's largest frame is a Draft of a full window (64 ids of at most 6 bytes) or a Claim (names, two hashes). */
  scoutFrameBytes: 2048,
  /** The Oracle's largest frame is an Assign: the longest context at 4 bytes a token (3-byte ids), settings on top. */
  oracleFrameBytes: 640 * 1024,
  /** The length before a frame: 3 bytes of varint reach 2 MiB. A longer one is garbage. */
  frameLengthBytes: 3,
  /** A gossip message: an Offer with its addresses, or a signed Result; gossip is multiplied by the mesh's degree. */
  topicMessageBytes: 2048,

  /** Longest prompt + output that may be drafted: the contexts of today's ternary models, and the Assign frame. */
  contextTokens: 131_072,
  /** Largest vocabulary: twice that of the largest tokenizer in the registry of models. */
  vocabulary: 524_288,
  /** Most unverified tokens a Scout may hold; at α = 0.9 the 64th is worth 0.1 %. */
  windowTokens: 64,
  /** Default window: past it expected gain is small, and every drafted token costs the Scout energy. */
  defaultWindowTokens: 16,
  /** True tokens in one Verified: those of many passes, merged for a slow Scout; more than this stalls it anyway. */
  verifiedTokens: 4096,
  /** End tokens of a request. */
  stopTokens: 32,
  /** Pairs in a logit bias: as many as fit an OpenAI request of ordinary size. */
  logitBiases: 1024,
  /** Assignments one Scout may say that it takes at once. */
  capacity: 16,
  /** Names of models; they go into logs and pages. */
  nameBytes: 128,
  /** A refusal's or closing's reason: one word. */
  reasonBytes: 64,
  /** A claimed drafting speed, tokens/s: beyond this it is a lie; it is only a prior. */
  speed: 100_000,
  hashBytes: 32,
  jobBytes: 16,
  /** A peer id as text: 52 characters for Ed25519, 46 for a hashed key. */
  peerIdBytes: 64,
  /** Addresses in an Offer: each transport, IPv4 and IPv6, and a relay. */
  offerAddresses: 8,
  /** One multiaddr: a relayed WebRTC-direct address with two certificate hashes is about 200. */
  addressBytes: 256,
  /** Scouts asked for in one Offer: more would be dialled than a pool holds. */
  wanted: 64,
  /** A Done's receipt and its signature. */
  receiptBytes: 1024,

  /** From opening the stream to the Claim: one round trip and a slow device. */
  claimDeadlineMs: 10_000,
  /** From a frame's first byte to its last: a dripping sender is worth less than the memory. */
  frameDeadlineMs: 10_000,
  /** What a peer does not read for this long closes its stream: drafts for it are worthless by then. */
  stalledWriteMs: 10_000,
  /** How long a stream that was closed in order may take to be gone. */
  lingerMs: 3_000,
  /** Bytes waiting for a slow peer, beyond which its stream is closed: one largest Assign and then some. */
  writeQueueBytes: 1024 * 1024,

  /** Scouts in one Oracle's standing pool: a few per slot, and the plan's cost stays small. */
  poolWorkers: 64,
  /** Streams of /shard/draft per connection: one in use, one replacing it after a reconnect. */
  draftStreams: 2,
  /** Frames a Scout may still send for an assignment that is over, beyond what its window allows: they crossed Done. */
  strayFrames: 2,
  /** Assignments remembered after their end, per Scout, to tell crossing frames from invented ids. */
  pastAssignments: 32,
  /** Claims per stream and minute: one at the start, then one per Offer heard. */
  claimsPerMinute: 60,
  /** Peers whose faults are remembered; the least recently seen is forgotten first. */
  rememberedPeers: 1024,
  /** Faults before a peer is kept out for a while; one may be a bug or a bad link. */
  faultsBeforeBan: 3,
  /** Faults older than this are forgotten: a bad link or an old bug should not shut out for ever. */
  faultMemoryMs: 3_600_000,
  /** The first ban; each further fault doubles it up to the longest. */
  firstBanMs: 10_000,
  longestBanMs: 600_000,

  /** An invitation: as hard to guess as a key. */
  inviteBytes: 16,
  /** A frame of /shard/pair: an invitation, or a reason of one word. */
  pairFrameBytes: 128,
  /** Live invitations: more are forgotten links. */
  invites: 16,
  /** Attempts to pair, per peer and minute: a person who pastes a link again. */
  pairsPerMinute: 6,
  /** Attempts of all peers together per minute: new identities cost nothing. (An invitation cannot be guessed anyway.) */
  allPairsPerMinute: 600,
  /** Streams of /shard/pair per connection. */
  pairStreams: 2,
  /** Devices that were paired by invitation: one owner has fewer. */
  devices: 256,
  /** Longest life of an invitation, in hours: one that lies about for longer is a key under the doormat. */
  inviteHours: 24 * 30,

  /** A chat request: the longest context at six bytes of text a token; and it must fit the write queue. */
  generateRequestBytes: 768 * 1024,
  /** What an Oracle says in one frame of /shard/generate; longer text is cut into several. */
  answerFrameBytes: 32 * 1024,
  /** Text and pieces in one Tokens: at three bytes a UTF-16 unit, with each author's peer id, they fit the frame. */
  tokensCharacters: 4096,
  tokensPieces: 128,
  /** Turns of one conversation, as in the HTTP API. */
  turns: 4096,
  /** Stop strings and their length, as in the HTTP API. */
  stopStrings: 4,
  stopCharacters: 1024,
  /** What went wrong, for people: a few sentences. */
  messageCharacters: 1024,
  /** Longest advice of when to try again, in seconds. */
  retryAfterS: 3600,
  /** Pieces of one answer: a token that waits for a stop string to be decided may come in two. */
  answerPieces: 2 * 131_072 + 1,
  /** Text that came and that its reader has not taken; more is no reader. */
  answerQueueBytes: 4 * 1024 * 1024,
  /** Answers for one peer at once: a household's pages; there are about as many slots. */
  answersPerPeer: 4,
  /** Streams of /shard/generate per connection: as many answers, and questions of how the Oracle is. */
  generateStreams: 8,
  /** Such streams per peer and minute: pages ask every few seconds; more is a flood. */
  generateStreamsPerMinute: 240,
  /** Chat requests per peer and minute: more than a person types, enough for a program on trial. */
  requestsPerMinute: 60,
  /** From opening the stream to the whole request: one round trip, and a long conversation over a slow uplink. */
  requestDeadlineMs: 15_000,
  /** From asking to the first word of an answer, be it Begin, Info or Paired: two round trips and a busy Oracle. */
  answerDeadlineMs: 15_000,

  /** Longest life of an Offer: after it the shortage has passed or changed. */
  offerDeadlineMs: 30_000,
  /** Least time between two Offers of one Oracle. */
  offerIntervalMs: 1_000,
  /** Offers of one Oracle that may arrive together: gossip bunches what was sent a second apart. */
  offerBurst: 3,
  /** Results of one Oracle per second, in the long run: assignments ending. */
  resultsPerSecond: 8,
  resultBurst: 64,
  /** A result whose time is further off than this, by clocks that differ, is not believed. */
  resultClockSkewMs: 600_000,
  /** Each second after an Offer the share of Scouts that may claim it doubles: all may after a few. */
  claimWideningMs: 1_000,

  /** A Scout's first wait after losing its Oracle, doubled up to the longest: a restart takes seconds. */
  reconnectFirstMs: 250,
  reconnectLongestMs: 15_000,
  /** Dialling: WebRTC's handshake on a slow device. */
  dialTimeoutMs: 15_000,

  /** Connections of one Oracle: pool, clients of the DHT, relayed peers. */
  connections: 256,
  /** New connections per second from one address: all Scouts of a household behind one, restarting together. */
  connectionsPerSecond: 32,
  /** Relay: reservations, and what one relayed connection may carry: enough to draft a few hours' text or to upgrade. */
  relayReservations: 32,
  relayBytes: 8 * 1024 * 1024,
  relayDurationMs: 30 * 60_000,
} as const

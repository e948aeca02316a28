/** Versioned ids: what cannot be said by adding fields gets a new number. */
export const DRAFT_PROTOCOL = '/shard/draft/1.0.0'
export const GENERATE_PROTOCOL = '/shard/generate/1.0.0'
export const PAIR_PROTOCOL = '/shard/pair/1.0.0'
export const KAD_PROTOCOL = '/shard/kad/1.0.0'
export const WORK_TOPIC = 'shard-work'
export const RESULT_TOPIC = 'shard-work-result'
/** Prefix of libp2p's own small protocols (identify, ping), kept at its default so that any libp2p tool can look. */
export const AGENT = 'shard/0.1.0'

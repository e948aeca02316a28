import {
  type GossipSub,
  type GossipsubOpts,
  gossipsub,
  type Message,
  StrictSign,
  TopicValidatorResult,
} from '@libp2p/gossipsub'
import { createTopicScoreParams } from '@libp2p/gossipsub/score'
import type { PeerId } from '@libp2p/interface'
import { LIMITS } from '../protocol/limits.ts'
import { RESULT_TOPIC, WORK_TOPIC } from '../protocol/names.ts'
import { type Offer, parseOffer } from '../protocol/offers.ts'
import { openResult, type WorkResult } from '../protocol/results.ts'
import { RateLimits } from './rate-limits.ts'

/** Nothing for deliveries (they are few), much for what fails validation: ten at once are −100, the graylist's edge −80. */
const TOPIC_SCORE = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0,
  firstMessageDeliveriesWeight: 0,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -1,
  // Per second: forgotten over a minute.
  invalidMessageDeliveriesDecay: 0.9,
})

const OPTIONS: Partial<GossipsubOpts> = {
  globalSignaturePolicy: StrictSign,
  allowPublishToZeroTopicPeers: true,
  allowedTopics: [WORK_TOPIC, RESULT_TOPIC],
  maxInboundDataLength: 8 * LIMITS.topicMessageBytes,
  maxInboundStreams: 4,
  runOnLimitedConnection: true,
  scoreParams: {
    topics: { [WORK_TOPIC]: TOPIC_SCORE, [RESULT_TOPIC]: TOPIC_SCORE },
    // A household's Scouts share an address.
    IPColocationFactorWeight: 0,
  },
  scoreThresholds: { gossipThreshold: -20, publishThreshold: -40, graylistThreshold: -80 },
}

/** What came over the topics and stood every check; emitted once per message. */
export interface GossipHandlers {
  offer?(offer: Offer): void
  result?(result: WorkResult): void
  /** A message that failed validation, and who passed it on. */
  rejected?(topic: string, peerId: string, reason: string): void
}

export const gossipService = () => gossipsub(OPTIONS)

/**
 * Joins both topics. Messages are validated before they are delivered or passed on; whoever passed on an invalid one
 * loses score. One that is merely too many is dropped in silence, unless its own sender brought it.
 */
export function joinTopics(gossip: GossipSub, handlers: GossipHandlers): void {
  const offers = new RateLimits(1000 / LIMITS.offerIntervalMs, LIMITS.offerBurst, LIMITS.rememberedPeers)
  const results = new RateLimits(LIMITS.resultsPerSecond, LIMITS.resultBurst, LIMITS.rememberedPeers)

  const validator =
    (limits: RateLimits, accept: (message: Message, from: string) => Promise<void>) =>
    async (peer: PeerId, message: Message): Promise<TopicValidatorResult> => {
      const from = message.type === 'signed' ? message.from.toString() : ''
      try {
        if (!limits.take(from)) {
          if (peer.toString() !== from) return TopicValidatorResult.Ignore
          throw new Error('too many messages')
        }
        await accept(message, from)
        return TopicValidatorResult.Accept
      } catch (error) {
        handlers.rejected?.(
          message.topic,
          peer.toString(),
          error instanceof Error ? error.message : String(error),
        )
        return TopicValidatorResult.Reject
      }
    }

  gossip.topicValidators.set(
    WORK_TOPIC,
    validator(offers, async (message, from) => {
      const offer = parseOffer(message.data)
      if (offer.oracle !== from) throw new Error('an Offer in the name of another')
      handlers.offer?.(offer)
    }),
  )
  gossip.topicValidators.set(
    RESULT_TOPIC,
    validator(results, async (message, from) => {
      const result = await openResult(message.data)
      if (result.oracle !== from) throw new Error('a Result in the name of another')
      if (Math.abs(result.issuedMs - Date.now()) > LIMITS.resultClockSkewMs)
        throw new Error('a Result of another time')
      handlers.result?.(result)
    }),
  )
  gossip.subscribe(WORK_TOPIC)
  gossip.subscribe(RESULT_TOPIC)
}

/** Why an Oracle does not take this Scout, and what can be done. */
export interface RefusalWords {
  readonly title: string
  readonly help: string
}

const WORDS: Readonly<Record<string, RefusalWords>> = {
  'not-paired': {
    title: 'It does not know this Scout',
    help: 'Ask its owner for a join link with an invitation, or for this Scout’s peer id (in the settings) to be paired by hand.',
  },
  invite: {
    title: 'The invitation is not valid any more',
    help: 'Each is good for one device and a limited time. Ask its owner for a new join link.',
  },
  tokenizer: {
    title: 'Its model needs another draft model',
    help: 'The draft model here has another tokenizer. Choose one that shares it, or another Oracle.',
  },
  full: {
    title: 'It has Scouts enough',
    help: 'Nothing to do: this Scout asks again from time to time.',
  },
  'not-ready': {
    title: 'It is still starting',
    help: 'Nothing to do: this Scout asks again in a moment.',
  },
  banned: {
    title: 'It keeps this Scout out for a while',
    help: 'That follows faulty frames and ends by itself within ten minutes. If it comes again, update this extension.',
  },
}

/** @param reason the word that the Oracle sent, or one that this page has never heard */
export function refusalWords(reason: string): RefusalWords {
  return (
    WORDS[reason] ?? {
      title: `It refuses this Scout: ${reason}`,
      help: 'The log of the Oracle says more. This Scout asks again from time to time.',
    }
  )
}

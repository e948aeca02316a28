import { createContext, type ReactNode, useContext } from 'react'
import type { ChatErrorKind } from './source/chat-source.ts'

export type ProblemAction = 'retry' | 'new' | 'settings' | 'options'

export interface ProblemWords {
  readonly title: string
  readonly advice: string
  readonly action: ProblemAction
}

/** What differs between the page that an Oracle serves and the one in the extension. */
export interface Place {
  /** Problems that have another cause or another way out here. */
  readonly problems: Readonly<Partial<Record<ChatErrorKind, ProblemWords>>>
  /** An Oracle that is reached by its address may want a key. */
  readonly asksForKey: boolean
  /** The extension's own settings. */
  readonly optionsHref: string | null
  /** Shown in an empty conversation while there is nobody to ask. */
  readonly nobodyToAsk: ReactNode
}

/** The page as an Oracle serves it. */
const HOST: Place = { problems: {}, asksForKey: true, optionsHref: null, nobodyToAsk: null }

export const PlaceContext = createContext<Place>(HOST)

export const usePlace = () => useContext(PlaceContext)

import '../options/no-eval.ts'
import { defineBackground } from 'wxt/utils/define-background'
import { Background } from './background.ts'
import { draftingPlace } from './drafting-place.ts'

/** Listeners are added before anything is awaited: an event that starts this worker again must find them. */
export default defineBackground({
  type: 'module',
  main() {
    new Background(draftingPlace).listen()
  },
})

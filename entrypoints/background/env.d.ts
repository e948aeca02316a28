/// <reference types="vite/client" />

/** What the build tool fills in. */
interface ImportMetaEnv {
  /** The build for Firefox: a background page instead of a service worker and an offscreen document. */
  readonly FIREFOX: boolean
}

import { createRoot } from 'react-dom/client'
import './styles/tokens.css'
import './styles/base.css'
import './styles/controls.css'
import './styles/thread.css'
import './styles/layout.css'
import '../pages/styles/pages.css'
import { browserPlatform } from '../pages/browser-platform.ts'
import { ExtensionFeed } from '../pages/extension-feed.ts'
import { App } from './components/app.tsx'
import { extensionPlace } from './extension-place.tsx'
import { ConversationStore } from './history/conversation-store.ts'
import { PlaceContext } from './place.ts'
import { readPreferences } from './preferences.ts'
import { browserMeshPort } from './source/browser-mesh-port.ts'
import { ExtensionSource } from './source/extension-source.ts'
import { MeshSource } from './source/mesh-source.ts'
import { applyTheme } from './theme.ts'

applyTheme(readPreferences().theme)
const feed = new ExtensionFeed(browserPlatform())
await feed.open()
const mesh = new MeshSource(browserMeshPort, () => feed.snapshot().settings.oracles)
createRoot(document.getElementById('root')!).render(
  <PlaceContext value={extensionPlace(feed)}>
    <App source={new ExtensionSource(feed, mesh)} store={new ConversationStore()} />
  </PlaceContext>,
)

import { createRoot } from 'react-dom/client'
import '../chat/styles/tokens.css'
import '../chat/styles/base.css'
import '../chat/styles/controls.css'
import '../pages/styles/pages.css'
import './popup.css'
import { readPreferences } from '../chat/preferences.ts'
import { applyTheme } from '../chat/theme.ts'
import { browserPlatform } from '../pages/browser-platform.ts'
import { ExtensionFeed } from '../pages/extension-feed.ts'
import { Popup } from './popup.tsx'

applyTheme(readPreferences().theme)
const feed = new ExtensionFeed(browserPlatform())
await feed.open()
createRoot(document.getElementById('root')!).render(<Popup feed={feed} />)

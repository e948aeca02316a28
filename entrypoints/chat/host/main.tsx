import { createRoot } from 'react-dom/client'
import '../styles/tokens.css'
import '../styles/base.css'
import '../styles/controls.css'
import '../styles/thread.css'
import '../styles/layout.css'
import { App } from '../components/app.tsx'
import { ConversationStore } from '../history/conversation-store.ts'
import { readPreferences } from '../preferences.ts'
import { HttpSource } from '../source/http-source.ts'
import { applyTheme } from '../theme.ts'

applyTheme(readPreferences().theme)
const source = new HttpSource('', () => readPreferences().apiKey, 'host')
createRoot(document.getElementById('root')!).render(<App source={source} store={new ConversationStore()} />)

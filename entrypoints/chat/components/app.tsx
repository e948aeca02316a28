import { useCallback, useEffect, useMemo, useState } from 'react'
import type { ConversationStore } from '../history/conversation-store.ts'
import { type Preferences, readPreferences, writePreferences } from '../preferences.ts'
import type { ChatSource } from '../source/chat-source.ts'
import { applyTheme } from '../theme.ts'
import { useChat } from '../use-chat.ts'
import { useNode } from '../use-node.ts'
import { Announcer } from './announcer.tsx'
import { Composer } from './composer.tsx'
import { MenuIcon, MoonIcon, SettingsIcon, SunIcon } from './icons.tsx'
import { available, ModelChoice } from './model-choice.tsx'
import { SettingsDialog } from './settings-dialog.tsx'
import { Sidebar } from './sidebar.tsx'
import { Thread } from './thread.tsx'
import { Welcome } from './welcome.tsx'

interface Props {
  readonly source: ChatSource
  readonly store: ConversationStore
}

export function App({ source, store }: Props) {
  const [preferences, setPreferences] = useState(readPreferences)
  const [drawer, setDrawer] = useState(false)
  const [settings, setSettings] = useState(false)
  const { temperature, maxTokens, seed, scope, apiKey } = preferences
  const node = useNode(source, apiKey)
  const models = node.facts?.models ?? []
  const model = available(models, preferences.model)
  const options = useMemo(
    () => ({ model, temperature, maxTokens, seed, scope }),
    [model, temperature, maxTokens, seed, scope],
  )
  const chat = useChat(source, store, options)
  const busy = chat.writing !== null

  const change = (next: Preferences) => {
    setPreferences(next)
    writePreferences(next)
    applyTheme(next.theme)
  }
  const { stop, open, retry } = chat
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || settings) return
      if (drawer) setDrawer(false)
      else stop()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [drawer, settings, stop])
  const act = useCallback(
    (action: 'retry' | 'new' | 'settings') => {
      if (action === 'retry') retry()
      else if (action === 'new') open(null)
      else setSettings(true)
    },
    [retry, open],
  )
  const select = (id: string | null) => {
    open(id)
    setDrawer(false)
  }
  return (
    <div className="app" data-loaded={chat.loaded}>
      <Sidebar
        conversations={chat.conversations}
        currentId={chat.current?.id ?? null}
        node={node}
        isOpen={drawer}
        onOpen={select}
        onRemove={chat.remove}
        onClose={() => setDrawer(false)}
      />
      {drawer && (
        <button
          type="button"
          className="shade"
          aria-label="Close the list"
          onClick={() => setDrawer(false)}
        />
      )}
      <main className="main">
        <header className="top">
          <button
            type="button"
            className="icon-button drawer-only"
            aria-label="Conversations"
            aria-expanded={drawer}
            onClick={() => setDrawer(true)}
          >
            <MenuIcon />
          </button>
          {chat.current ? (
            <h1 className="title">{chat.current.title}</h1>
          ) : (
            <p className="title">New conversation</p>
          )}
          <ModelChoice
            models={models}
            chosen={model}
            onChange={(next) => change({ ...preferences, model: next })}
          />
          <ThemeButton theme={preferences.theme} onChange={(theme) => change({ ...preferences, theme })} />
          <button
            type="button"
            className="icon-button"
            aria-label="Settings"
            title="Settings"
            onClick={() => setSettings(true)}
          >
            <SettingsIcon />
          </button>
        </header>
        {chat.loaded && !chat.current && <Welcome node={node} onAsk={chat.ask} />}
        {chat.current && <Thread conversation={chat.current} busy={busy} onAction={act} />}
        <Composer busy={busy} focusKey={chat.current?.id ?? 'new'} onSend={chat.ask} onStop={chat.stop} />
      </main>
      <Announcer conversation={chat.current} />
      {settings && (
        <SettingsDialog
          preferences={preferences}
          node={node}
          onChange={change}
          onClose={() => setSettings(false)}
        />
      )}
    </div>
  )
}

interface ThemeProps {
  readonly theme: Preferences['theme']
  readonly onChange: (theme: Preferences['theme']) => void
}

/** Light or dark; begins with what the system has. */
function ThemeButton({ theme, onChange }: ThemeProps) {
  const systemDark = matchMedia('(prefers-color-scheme: dark)').matches
  const dark = theme === 'dark' || (theme === 'system' && systemDark)
  const label = dark ? 'Light colours' : 'Dark colours'
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={label}
      title={label}
      onClick={() => onChange(dark ? 'light' : 'dark')}
    >
      {dark ? <SunIcon /> : <MoonIcon />}
    </button>
  )
}

import { runEngineProcess } from '../../native-host/engine/engine-process.ts'

// The engine's process, as `shard engine` runs it; one that is told to load a doomed model is killed while it does.
process.once(
  'message',
  (message: { readonly type: string; readonly options?: { readonly model: string } }) => {
    if (message.type === 'load' && message.options?.model.includes('doomed'))
      process.kill(process.pid, 'SIGKILL')
  },
)
runEngineProcess()

import { runEngineProcess } from '../../native-host/engine/engine-process.ts'

/** What `shard engine` runs, without the build. */
runEngineProcess()

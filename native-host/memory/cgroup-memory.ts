/** What one control group may use, and what of it is taken. */
export interface GroupMemory {
  readonly limitBytes: number
  /** Without what the kernel would give back before it refuses: pages of files. */
  readonly usedBytes: number
}

/** Text of a file; null where there is none. */
export type ReadFile = (path: string) => string | null

/**
 * The limits that hold for this process on Linux: of its control group and of every one around it, version 2 and version 1.
 * `process.constrainedMemory()` knows the innermost group alone, and `process.availableMemory()` takes cached files, such as a
 * model that was just read, for memory in use.
 */
export function groupMemory(read: ReadFile): GroupMemory[] {
  return (read('/proc/self/cgroup') ?? '')
    .split('\n')
    .flatMap((line) => {
      const [, controllers, path] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? []
      if (path === undefined) return []
      if (controllers === '') return foldersUp('/sys/fs/cgroup', path).map((folder) => version2(folder, read))
      if (controllers!.split(',').includes('memory'))
        return foldersUp('/sys/fs/cgroup/memory', path).map((folder) => version1(folder, read))
      return []
    })
    .filter((group) => group !== null)
}

/**
 * From a group to the mount's root. In a container the path may be the host's, which is not mounted there: its folders do not
 * exist then, and the root is the container's group.
 */
function foldersUp(mount: string, path: string): string[] {
  const names = path.split('/').filter((name) => name !== '')
  return [...names.keys(), names.length].reverse().map((count) => [mount, ...names.slice(0, count)].join('/'))
}

/** Above `memory.high` a group is slowed down until it stands still: no room for weights. */
function version2(folder: string, read: ReadFile): GroupMemory | null {
  return group(
    [bytesOf(read(`${folder}/memory.max`)), bytesOf(read(`${folder}/memory.high`))],
    bytesOf(read(`${folder}/memory.current`)),
    read(`${folder}/memory.stat`) ?? '',
    '',
  )
}

function version1(folder: string, read: ReadFile): GroupMemory | null {
  return group(
    [bytesOf(read(`${folder}/memory.limit_in_bytes`))],
    bytesOf(read(`${folder}/memory.usage_in_bytes`)),
    read(`${folder}/memory.stat`) ?? '',
    // Without it the group's own alone, though its usage counts the groups inside it, too.
    'total_',
  )
}

function group(
  limits: readonly (number | null)[],
  used: number | null,
  stat: string,
  prefix: string,
): GroupMemory | null {
  const set = limits.filter((limit) => limit !== null)
  if (set.length === 0) return null
  const pages = (list: string) => Number(new RegExp(`^${prefix}${list} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0)
  const files = pages('inactive_file') + pages('active_file')
  return { limitBytes: Math.min(...set), usedBytes: Math.max(0, (used ?? 0) - files) }
}

/** `max`, no limit, is no number; version 1 has a number that no machine reaches instead. */
function bytesOf(text: string | null): number | null {
  return text !== null && /^\d+\s*$/.test(text) ? Number(text) : null
}

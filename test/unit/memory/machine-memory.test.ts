import { describe, expect, it } from 'vitest'
import { machineMemory } from '../../../native-host/memory/machine-memory.ts'

const GIB = 2 ** 30

/** Memory of a machine of 16 GiB, 12 of them available, that holds these files. */
function memoryOf(files: Readonly<Record<string, string>>, platform = 'linux') {
  const all: Readonly<Record<string, string>> = {
    '/proc/meminfo': `MemTotal: ${16 * 2 ** 20} kB\nMemFree: ${2 ** 20} kB\nMemAvailable: ${12 * 2 ** 20} kB\n`,
    ...files,
  }
  const { totalBytes, freeBytes } = machineMemory({
    platform,
    totalBytes: 16 * GIB,
    freeBytes: GIB,
    read: (path) => all[path] ?? null,
  })
  return { total: totalBytes / GIB, free: freeBytes / GIB }
}

const V2 = '/sys/fs/cgroup'
const V1 = '/sys/fs/cgroup/memory'

describe('memory of the machine', () => {
  it('is what the system calls available, where nothing limits it', () => {
    expect(memoryOf({ '/proc/self/cgroup': '0::/\n' })).toEqual({ total: 16, free: 12 })
    expect(memoryOf({})).toEqual({ total: 16, free: 12 })
  })

  it('a container may use what its group allows, less what it holds', () => {
    expect(
      memoryOf({
        '/proc/self/cgroup': '0::/\n',
        [`${V2}/memory.max`]: `${4 * GIB}\n`,
        [`${V2}/memory.high`]: 'max\n',
        [`${V2}/memory.current`]: `${GIB}\n`,
        [`${V2}/memory.stat`]: `anon ${GIB}\ninactive_file 0\nactive_file 0\n`,
      }),
    ).toEqual({ total: 4, free: 3 })
  })

  it('pages of files that were read are room', () => {
    expect(
      memoryOf({
        '/proc/self/cgroup': '0::/box\n',
        [`${V2}/box/memory.max`]: `${8 * GIB}\n`,
        [`${V2}/box/memory.current`]: `${7.5 * GIB}\n`,
        [`${V2}/box/memory.stat`]: `anon ${GIB}\nfile ${6.5 * GIB}\ninactive_file ${6 * GIB}\nactive_file ${0.5 * GIB}\n`,
      }),
    ).toEqual({ total: 8, free: 7 })
  })

  it('the tightest group around it counts, and each by its own use', () => {
    expect(
      memoryOf({
        '/proc/self/cgroup': '0::/user.slice/app.slice/shard.service\n',
        [`${V2}/user.slice/memory.max`]: `${10 * GIB}\n`,
        [`${V2}/user.slice/memory.current`]: `${9 * GIB}\n`,
        [`${V2}/user.slice/app.slice/memory.max`]: 'max\n',
        [`${V2}/user.slice/app.slice/shard.service/memory.max`]: `${6 * GIB}\n`,
        [`${V2}/user.slice/app.slice/shard.service/memory.current`]: `${GIB}\n`,
      }),
    ).toEqual({ total: 6, free: 1 })
  })

  it('above memory.high a group only stands still', () => {
    expect(
      memoryOf({
        '/proc/self/cgroup': '0::/box\n',
        [`${V2}/box/memory.max`]: `${8 * GIB}\n`,
        [`${V2}/box/memory.high`]: `${5 * GIB}\n`,
        [`${V2}/box/memory.current`]: '0\n',
      }),
    ).toEqual({ total: 5, free: 5 })
  })

  it('version 1, beside a version 2 without memory', () => {
    const groups = '11:cpu,cpuacct:/jobs\n4:memory:/jobs/one\n0::/\n'
    expect(
      memoryOf({
        '/proc/self/cgroup': groups,
        [`${V1}/memory.limit_in_bytes`]: '9223372036854771712\n',
        [`${V1}/memory.usage_in_bytes`]: `${9 * GIB}\n`,
        [`${V1}/jobs/memory.limit_in_bytes`]: `${5 * GIB}\n`,
        [`${V1}/jobs/memory.usage_in_bytes`]: `${3 * GIB}\n`,
        [`${V1}/jobs/memory.stat`]: `inactive_file 0\ntotal_inactive_file ${GIB}\ntotal_active_file ${GIB}\n`,
        [`${V1}/jobs/one/memory.limit_in_bytes`]: '9223372036854771712\n',
      }),
    ).toEqual({ total: 5, free: 4 })
  })

  it('in a container that sees its group’s path as the host calls it', () => {
    expect(
      memoryOf({
        '/proc/self/cgroup': '4:memory:/docker/5d9c\n',
        [`${V1}/memory.limit_in_bytes`]: `${2 * GIB}\n`,
        [`${V1}/memory.usage_in_bytes`]: `${GIB}\n`,
      }),
    ).toEqual({ total: 2, free: 1 })
  })

  it('never below nothing', () => {
    expect(
      memoryOf({
        '/proc/self/cgroup': '0::/\n',
        [`${V2}/memory.max`]: `${GIB}\n`,
        [`${V2}/memory.current`]: `${2 * GIB}\n`,
      }),
    ).toEqual({ total: 1, free: 0 })
  })

  it('elsewhere: free memory on Windows; all of it on macOS, which would give back what it counts as taken', () => {
    const linuxOnly = { '/proc/self/cgroup': '0::/\n', [`${V2}/memory.max`]: '1\n' }
    expect(memoryOf(linuxOnly, 'win32')).toEqual({ total: 16, free: 1 })
    expect(memoryOf(linuxOnly, 'darwin')).toEqual({ total: 16, free: 16 })
  })
})

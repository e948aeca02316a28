import { describe, expect, it } from 'vitest'
import { ArgumentError } from '../../bench/engine/arguments.ts'
import { parsePlan } from '../../bench/engine/plan.ts'

describe('the command line', () => {
  it('names engines, and the files that each of them reads', () => {
    const plan = parsePlan(['--shape', '2b', '--threads', '1,2', '--head', 'Q6_K'])
    expect(plan.engines).toEqual(['shard', 'llama.cpp'])
    expect(plan.threads).toEqual([1, 2])
    expect(plan.rows).toEqual([1, 8, 16])
    expect(plan.own).toEqual({ shape: '2b', seed: 1, head: 'Q6_K' })
    expect(plan.llamaCpp).toEqual({ ...plan.own, type: 'TQ2_0', architecture: 'bitnet' })
  })

  it('lets llama.cpp have our file where it reads that', () => {
    const { own, llamaCpp } = parsePlan(['--shape', '8b'])
    expect({ ...own, type: 'Q2_0' }).toEqual(llamaCpp)
  })

  it('takes peers with their models and arguments', () => {
    const one = ['--peer', 'one=/bin/one', '--peer-model', 'one=/m.gguf', '--peer-args', 'one=-fa -rtr']
    const plan = parsePlan(['--shape', '2b', ...one, '--peer', 'two=/bin/two'])
    expect(plan.engines).toEqual(['shard', 'llama.cpp', 'one', 'two'])
    expect(plan.peers).toEqual([
      { name: 'one', program: '/bin/one', model: '/m.gguf', extraArguments: ['-fa', '-rtr'] },
      { name: 'two', program: '/bin/two', model: null, extraArguments: [] },
    ])
  })

  it.each([
    { args: [], says: /--shape takes one of 2b/ },
    { args: ['--shape', '3b'], says: /not 3b/ },
    { args: ['--shape', '2b', '--k', '1,,2'], says: /--k takes whole numbers from 1 up/ },
    { args: ['--shape', '2b', '--threads', '0'], says: /--threads .* not 0/ },
    { args: ['--shape', '2b', '--runs', '1.5'], says: /--runs/ },
    { args: ['--shape', '2b', '--type', 'Q4_K'], says: /--type takes one of I2_S/ },
    { args: ['--shape', '2b', '--engine', 'shard,other'], says: /--engine takes one of shard, llama.cpp/ },
    { args: ['--shape', '2b', '--peer', '/bin/one'], says: /NAME=VALUE/ },
    { args: ['--shape', '2b', '--peer', 'shard=/bin/one'], says: /shard is the name/ },
    { args: ['--shape', '2b', '--peer-model', 'one=/m.gguf'], says: /no --peer names/ },
    { args: ['--shape', '2b', '--nonsense'], says: /nonsense/ },
  ])('refuses $args', ({ args, says }) => {
    expect(() => parsePlan(args)).toThrow(ArgumentError)
    expect(() => parsePlan(args)).toThrow(says)
  })
})

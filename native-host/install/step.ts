/** One thing that an installation does, would do, or leaves alone; what `--dry-run` and `--json` print. */
export type Step =
  | { readonly did: 'write' | 'unchanged'; readonly path: string; readonly text: string }
  | { readonly did: 'make folder' | 'remove' | 'remove folder'; readonly path: string }
  | { readonly did: 'leave'; readonly path: string; readonly why: string }
  | { readonly did: 'set' | 'delete'; readonly key: string; readonly value: string }
  | { readonly did: 'stop'; readonly pid: number }

const WORDS: Readonly<Record<Step['did'], readonly [done: string, planned: string]>> = {
  write: ['wrote', 'would write'],
  unchanged: ['is there', 'is there'],
  'make folder': ['made', 'would make'],
  remove: ['removed', 'would remove'],
  'remove folder': ['removed', 'would remove'],
  leave: ['left', 'would leave'],
  set: ['set', 'would set'],
  delete: ['deleted', 'would delete'],
  stop: ['stopped', 'would stop'],
}

/** For people; a dry run shows what files would hold, too. */
export function describeStep(step: Step, dryRun: boolean): string {
  const verb = WORDS[step.did][dryRun ? 1 : 0].padEnd(dryRun ? 12 : 8)
  switch (step.did) {
    case 'write':
      return `${verb} ${step.path}\n${dryRun ? step.text.replaceAll(/^(?=.)/gm, '    ') : ''}`
    case 'make folder':
    case 'remove folder':
      return `${verb} ${step.path}/\n`
    case 'leave':
      return `${verb} ${step.path}: ${step.why}\n`
    case 'set':
      return `${verb} ${step.key} = ${step.value}\n`
    case 'delete':
      return `${verb} ${step.key}\n`
    case 'stop':
      return `${verb} the daemon, process ${step.pid}\n`
    default:
      return `${verb} ${step.path}\n`
  }
}

import type { RegistryEntry } from './registry.ts'

/** What is said of a listed model before it is fetched. */
export function introduction({ title, licence, why }: RegistryEntry): string[] {
  const link = licence.url === null ? '' : ` (${licence.url})`
  const lines = [`${title}, licence ${licence.name}${link}`]
  if (why !== null) lines.push(`Warning: it is fetched, and does not run yet: ${why}.`)
  return lines
}

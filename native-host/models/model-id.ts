/** `Shard Tales target 6.3M` → `shard-tales-target-6.3m`: ids of models have no spaces. */
export function modelId(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
}

/** WGSL written `count` times, joined by line ends: loops unrolled where a variable per turn is wanted. */
export function each(count: number, write: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => write(index)).join('\n')
}

/** Linear between points, and on beyond the last two. */
export function curve(...points: readonly (readonly [x: number, y: number])[]): (x: number) => number {
  return (x) => {
    let i = 1
    while (i < points.length - 1 && x > points[i]![0]) i++
    const [[x0, y0], [x1, y1]] = [points[i - 1]!, points[i]!]
    return y0 + ((x - x0) * (y1 - y0)) / (x1 - x0)
  }
}

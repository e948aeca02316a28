import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const SOURCE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds wrong on a page as it stands: rule and the elements concerned. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(SOURCE)
  const results = (await page.evaluate('axe.run()')) as AxeResults
  if (results.passes.length === 0) throw new Error('axe checked nothing')
  return results.violations.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('; ')}`,
  )
}

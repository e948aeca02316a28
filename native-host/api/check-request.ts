import type { z } from 'zod'
import { type ApiError, badField } from './api-error.ts'

/** Fields of OpenAI's that would change the answer and that no engine here can honour. */
export type Unsupported = Readonly<Record<string, string>>

/** Checks a request against its schema; null counts as absent, as with OpenAI. @throws {ApiError} naming the field */
export function checkRequest<T extends z.ZodType>(
  schema: T,
  body: Record<string, unknown>,
  unsupported: Unsupported,
): z.output<T> {
  const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  for (const [field, why] of Object.entries(unsupported)) {
    if (Object.hasOwn(given, field))
      throw badField(field, `${field} is not supported: ${why}`, 'unsupported_parameter')
  }
  const result = schema.safeParse(given)
  if (result.success) return result.data
  throw fromIssue(result.error.issues[0]!, given)
}

function fromIssue(issue: z.core.$ZodIssue, given: unknown): ApiError {
  const at = fieldName(issue.path)
  if (issue.code === 'unrecognized_keys') {
    const field = [at, issue.keys[0]!].filter(Boolean).join('.').slice(0, 200)
    return badField(field, `unrecognized request argument: ${field}`, 'unknown_parameter')
  }
  if (valueAt(given, issue.path) === undefined)
    return badField(at, `missing required parameter: ${at}`, 'missing_required_parameter')
  return badField(at, `invalid ${at}: ${issue.message}`, 'invalid_value')
}

/** `['messages', 0, 'content']` → `messages[0].content` */
function fieldName(path: readonly PropertyKey[]): string {
  let name = ''
  for (const part of path) {
    if (typeof part === 'number') name += `[${part}]`
    else name += name ? `.${String(part)}` : String(part)
  }
  return name.slice(0, 200)
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const part of path) at = (at as Record<PropertyKey, unknown> | undefined)?.[part]
  return at
}

/** The error of `bpf.compile` for an expression that is wrong or not supported. */
export interface FilterSyntaxError extends SyntaxError {
  code: 'ERR_INVALID_ARG_VALUE'
  /** Where the wrong part starts: an index into the text. */
  position: number
}

/** A part of the text of an expression. */
export interface Place {
  readonly text: string
  readonly at: number
}

/** How much of the text an error shows before the wrong part, and from there on. */
const BEFORE = 40
const AFTER = 40

/** Returns the error for a part of an expression. The message shows the part in its line, with carets below it. */
export function syntaxError(expression: string, { text, at }: Place, problem: string): FilterSyntaxError {
  const start = Math.max(0, at - BEFORE)
  const end = Math.min(expression.length, at + AFTER)
  const shown = expression.slice(start, end).replace(/[\p{Cc}\p{Cs}\u2028\u2029]/gu, ' ')
  const carets = '^'.repeat(Math.max(1, Math.min(text.length, end - at)))
  const message = `Invalid filter expression: ${problem}\n  ${shown}\n  ${' '.repeat(at - start)}${carets}`
  return Object.assign(new SyntaxError(message), { code: 'ERR_INVALID_ARG_VALUE' as const, position: at })
}

import { native, type Numbers } from './binding'

/**
 * `value` is `undefined` if this system does not have the constant. `group` and `list` are the latest marks before the
 * name: the words that begin with `@` and `:`.
 */
export type VisitNumber = (name: string, value: number | undefined, group: string, list: string) => void

/** Calls `visit` for each name, in the order of the tables. */
export function eachNumber({ names, values }: Numbers, visit: VisitNumber): void {
  let group = ''
  let list = ''
  let index = 0
  for (const word of names.split(' ')) {
    if (word.startsWith('@')) group = word.slice(1)
    else if (word.startsWith(':')) list = word.slice(1)
    else {
      const value = values[index++]!
      visit(word, Number.isNaN(value) ? undefined : value, group, list)
    }
  }
}

const sizes = Object.create(null) as Record<string, number>
eachNumber(native.layout, (name, value) => {
  sizes[name] = value!
})

/** Sizes and offsets of this system, as in Platform. */
export const layout: Readonly<Record<string, number>> = sizes

import { native } from '../binding/binding'
import { names } from './names.gen'

type Numbers = Record<string, number | undefined>

function module(): Numbers {
  return Object.defineProperty({}, '__esModule', { value: true })
}

/** The modules of constants: those that both systems have, and those of one. */
export const lists = { common: module(), linux: module(), darwin: module() }

/** Every constant by name; `undefined` where this system has none. */
export const constants: Readonly<Numbers> = Object.create(null) as Numbers

// A loop loads several times faster than an export statement for each.
for (const each of names) {
  const [name, list = 'common'] = each.split(':') as [string, (keyof typeof lists)?]
  lists[list][name] = (constants as Numbers)[name] = native.constants[name]
}

// What cannot change is re-exported as a value, and not as a getter.
for (const each of [...Object.values(lists), constants]) Object.freeze(each)

import { native } from '../binding/binding'
import { names } from './names.gen'

type Numbers = Record<string, number | undefined>

function module(): Numbers {
  return Object.defineProperty({}, '__esModule', { value: true })
}

/** The modules of constants: those of both systems, and those of one system only. */
export const lists = { common: module(), linux: module(), darwin: module() }

/** Every constant by name; `undefined` if this system does not have it. */
export const constants: Readonly<Record<string, number | undefined>> = Object.create(null) as Numbers

// A loop loads several times faster than one export statement for each constant.
for (const each of names) {
  const [name, list = 'common'] = each.split(':') as [string, (keyof typeof lists)?]
  lists[list][name] = (constants as Numbers)[name] = native.constants[name]
}

// Properties that cannot change are re-exported as values, and not as slower getters.
for (const each of [...Object.values(lists), constants]) Object.freeze(each)

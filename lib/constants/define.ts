import { native } from '../binding/binding'
import { eachNumber, type VisitNumber } from '../binding/tables'

type Values = Record<string, number | undefined>

function module(): Values {
  return Object.defineProperty({}, '__esModule', { value: true })
}

/** The modules of constants: those of both systems, and those of one system only. */
export const lists = { common: module(), linux: module(), darwin: module() }

/** Every constant by name; `undefined` if this system does not have it. */
export const constants: Readonly<Values> = Object.create(null) as Values

/** Calls `visit` for each constant of both systems, in the order of the tables. */
export const eachConstant = (visit: VisitNumber): void => eachNumber(native.constants, visit)

// A loop loads several times faster than one export statement for each constant.
eachConstant((name, value, _group, list) => {
  lists[list as keyof typeof lists][name] = (constants as Values)[name] = value
})

// Properties that cannot change are re-exported as values, and not as slower getters.
for (const each of [...Object.values(lists), constants]) Object.freeze(each)

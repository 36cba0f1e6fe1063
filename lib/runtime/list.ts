const { prototype } = Array
const define = Object.defineProperty

/**
 * Adds a value to the end of a list. Other code may have put a setter in place of an element of Array.prototype or of
 * Object.prototype, and `push` would call it. Then a descriptor or an operation would be lost.
 */
export function append<T>(list: T[], value: T): void {
  const at = list.length
  if (!(at in prototype)) list[at] = value
  else define(list, at, ownElement(value))
}

const { apply } = Reflect
// eslint-disable-next-line @typescript-eslint/unbound-method -- it is applied to its object
const eachOfSet = Set.prototype.forEach

/**
 * Calls `call` for each member of a set. Other code may have changed the iterators of the language, and a loop over them
 * would lose the members.
 */
export function eachMember<T>(set: ReadonlySet<T>, call: (member: T) => void): void {
  apply(eachOfSet, set, [call])
}

function ownElement(value: unknown): PropertyDescriptor {
  return {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  } as PropertyDescriptor
}

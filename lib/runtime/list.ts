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

function ownElement(value: unknown): PropertyDescriptor {
  return {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  } as PropertyDescriptor
}

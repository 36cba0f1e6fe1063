const { hasOwn, getPrototypeOf } = Object

/**
 * A copy of an options object: its own properties alone, each read once. The copy inherits nothing, so what other
 * code adds to Object.prototype is never an option.
 */
export function ownFields<T extends object>(given: T): T {
  return { __proto__: null, ...given }
}

/**
 * A property of an object that may be an instance of a class (FileHandle, Socket): its own or its class's, never one
 * that was added to Object.prototype.
 */
export function memberOf(object: object, key: string): unknown {
  for (let holder: object | null = object; holder !== null;) {
    const next = getPrototypeOf(holder) as object | null
    if (hasOwn(holder, key)) {
      return next === null && holder !== object ? undefined : (object as Record<string, unknown>)[key]
    }
    holder = next
  }
  return undefined
}

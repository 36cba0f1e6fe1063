const { assign, freeze, hasOwn, getPrototypeOf } = Object

/** Makes objects that inherit nothing. V8 reads them faster than objects whose prototype is null. */
const Bare = function (): void {} as unknown as { new <T>(): T; prototype: object }
Bare.prototype = freeze({ __proto__: null })

/**
 * Copies the own properties of an options object, and reads each once. The copy inherits nothing, so properties that
 * other code adds to Object.prototype are never options.
 */
export function ownFields<T extends object>(given: T): T {
  return assign<T, T>(new Bare<T>(), given)
}

/** Returns an own property of an object: not one that other code has added to Object.prototype. */
export function ownField<T extends object, K extends keyof T>(object: T, key: K): T[K] | undefined {
  return hasOwn(object, key) ? object[key] : undefined
}

/**
 * Returns a property of an object that may be an instance of a class (FileHandle, Socket). Reads own properties and
 * those of the class, but not properties that other code added to Object.prototype.
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

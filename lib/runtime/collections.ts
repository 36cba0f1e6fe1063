/*
 * Map and Set for what must not be lost. Other code may change the methods of Map.prototype and Set.prototype, or the
 * iterators of the language. These classes have the methods from when this module loads. Use `forEach`: a `for…of`
 * would run the iterators.
 */

function takeMethods(to: object, from: object): void {
  for (const name of Reflect.ownKeys(from))
    if (name !== 'constructor') Object.defineProperty(to, name, Reflect.getOwnPropertyDescriptor(from, name)!)
}

export class SafeMap<K, V> extends Map<K, V> {
  // Older V8 runs the iterator of arrays in an inherited constructor.
  constructor() {
    super()
  }
}
takeMethods(SafeMap.prototype, Map.prototype)

export class SafeSet<T> extends Set<T> {
  constructor() {
    super()
  }
}
takeMethods(SafeSet.prototype, Set.prototype)

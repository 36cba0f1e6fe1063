'use strict'

/*
 * Hostile arguments. Each kind of attack has a name, so that api.js can run some of them alone. Most of them run
 * user code during a call. That code closes, detaches, resizes, re-enters or throws.
 */

const USER = 'a getter of the user'

/** The names of options and address fields that must not be taken from Object.prototype. */
const inherited = ['address', 'controlSize', 'drain', 'family', 'fds', 'flags', 'host', 'interface', 'length', 'mode',
  'netns', 'offset', 'onError', 'onProgress', 'path', 'pid', 'port', 'reusePort', 'scopeId', 'signal', 'size',
  'timeout', 'unlink'] // prettier-ignore

/** Creates hostile arguments, and runs calls under attack. */
class Attacks {
  #memory = [] // ArrayBuffers of the latest arguments
  #depth = 0
  #names

  /**
   * @param draw `{ random, below, pick }`
   * @param context `{ socket(), again(), grow(), anything(), report(text) }`: returns the socket of the call, repeats the
   * call, creates more sockets than the table has slots, returns any argument, and reports a fault
   * @param names the attacks to run
   */
  constructor(draw, context, names) {
    Object.assign(this, draw)
    this.context = context
    this.#names = names
  }

  static get names() {
    return ['views', 'memory', 'arrays', 'getters', 'signals', 'thenables', 'conversions', 'prototypes']
  }

  /** The functions that create arguments, one for each enabled attack. */
  get makers() {
    const makers = {
      views: () => this.lyingView(),
      memory: () => this.movingMemory(),
      arrays: () => this.strangeArray(),
      getters: () => this.tickingObject(),
      signals: () => ({ timeout: this.pick([0, 1, undefined]), signal: this.signal() }),
      thenables: () => this.thenable(),
      conversions: () => this.converting(),
    }
    return this.#names.filter(name => name in makers).map(name => makers[name])
  }

  has(name) {
    return this.#names.includes(name)
  }

  keep(buffer) {
    this.#memory.push(buffer)
    if (this.#memory.length > 12) this.#memory.shift()
    return buffer
  }

  // --- what user code does during a call ---

  mischief() {
    if (this.#depth > 1) return
    this.#depth++
    try {
      const acts = [
        () => this.close(),
        () => this.detach(),
        () => this.detach(),
        () => this.resize(),
        () => this.resize(),
        () => this.context.again(),
        () => this.context.grow(),
        () => gc({ type: 'minor' }),
        () => {
          throw new TypeError(USER)
        },
        () => undefined,
        () => undefined,
      ]
      return this.pick(acts)()
    } finally {
      this.#depth--
    }
  }

  close() {
    try {
      this.context.socket()?.close()
    } catch (error) {
      if (error.code !== 'ERR_SOCKET_DGRAM_NOT_RUNNING') throw error // the one close() that throws, as in Node
    }
  }

  detach() {
    if (this.#memory.length === 0) return
    const buffer = this.pick(this.#memory)
    try {
      structuredClone(buffer, { transfer: [buffer] })
    } catch {
      // shared, or already detached
    }
  }

  resize() {
    for (const buffer of this.#memory.filter(each => each.byteLength > 0)) {
      if (buffer.resizable) buffer.resize(this.below(buffer.maxByteLength + 1))
      if (buffer.growable) buffer.grow(buffer.byteLength + this.below(buffer.maxByteLength - buffer.byteLength + 1))
    }
  } // prettier-ignore

  // --- arguments ---

  memory() {
    const size = this.pick([0, 1, 8, 63, 64, 65, 200, 8192, 70000])
    return this.pick([
      () => new ArrayBuffer(size),
      () => new ArrayBuffer(size),
      () => new ArrayBuffer(size, { maxByteLength: size * 2 }),
      () => new SharedArrayBuffer(size),
      () => new SharedArrayBuffer(size, { maxByteLength: size * 2 }),
    ])()
  }

  /** Returns a view of memory that may move, aligned or not. */
  view() {
    const buffer = this.keep(this.memory())
    const kinds = [Uint8Array, Uint8Array, Int8Array, Uint8ClampedArray, DataView]
    if (buffer.byteLength % 8 === 0) kinds.push(Int32Array, Float64Array, BigInt64Array)
    const Kind = this.pick(kinds)
    if (this.below(4) === 0) return Buffer.from(buffer)
    const bytes = Kind.BYTES_PER_ELEMENT ?? 1
    const tracks = buffer.resizable || buffer.growable ? this.below(2) === 0 : false
    const offset = this.below(2) * Math.min(buffer.byteLength, bytes)
    return tracks ? new Kind(buffer) : new Kind(buffer, offset, Math.floor((buffer.byteLength - offset) / bytes))
  } // prettier-ignore

  /** Returns a view whose own properties shadow the inherited ones. */
  lyingView() {
    const view = this.view()
    const lies = [-1, 0, 1, 15, 2 ** 31, 2 ** 32 + 1, 2 ** 53, NaN, undefined, null, {}, '8', 4n, -0.5]
    for (const name of ['byteLength', 'byteOffset', 'buffer', 'length']) {
      if (this.below(2) === 0) continue
      const lie = name === 'buffer' ? this.pick([this.memory(), {}, undefined, null]) : this.pick(lies)
      const get = () => {
        this.mischief()
        return lie
      }
      const property = this.below(2) === 0 ? { value: lie } : { get }
      Object.defineProperty(view, name, { configurable: true, ...property })
    }
    return view
  }

  /** Returns a view whose memory changes soon, while an operation may still wait. */
  movingMemory() {
    const view = this.view()
    if (this.below(2) === 0) setImmediate(() => this.pick([() => this.resize(), () => this.detach()])())
    return view
  }

  elements() {
    return Array.from({ length: this.below(5) }, () =>
      this.pick([
        () => this.view(),
        () => this.view(),
        () => (this.has('views') ? this.lyingView() : this.view()),
        () => Buffer.from('abc'),
        () => this.context.socket(),
        () => this.context.anything(),
      ])(),
    )
  }

  strangeArray() {
    const attacks = this
    const list = this.elements()
    return this.pick([
      () => list,
      () => Object.assign(list, { length: list.length + 3 }), // holes
      () => {
        for (const i of list.keys()) {
          const value = list[i]
          if (this.below(2) === 0) continue
          const get = () => {
            this.mischief()
            return this.below(4) === 0 ? this.view() : value
          }
          Object.defineProperty(list, i, { get, configurable: true, enumerable: true })
        }
        return list
      },
      () => {
        class Odd extends Array {
          static get [Symbol.species]() {
            attacks.mischief()
            return attacks.pick([Array, Odd, undefined, class extends Array {}, Uint8Array])
          }
        }
        return Odd.from(list)
      },
      () => {
        for (const name of ['map', 'slice', 'some', 'every', 'forEach', 'entries', Symbol.iterator]) {
          if (this.below(3) > 0) continue
          const value = () => {
            this.mischief()
            return this.pick([list, [], [this.view()], 7, undefined, [7][Symbol.iterator]()])
          }
          Object.defineProperty(list, name, { value, configurable: true })
        }
        return list
      },
      () =>
        new Proxy(list, {
          get(target, name) {
            attacks.mischief()
            return name === 'length' ? attacks.pick([target.length, 0, 3, 70000]) : Reflect.get(target, name)
          },
        }),
    ])()
  } // prettier-ignore

  /** Returns options, an address or a message with getters that run code. */
  tickingObject() {
    const fields = {
      address: ['127.0.0.1', '::1', 'x'],
      port: [0, 9, NaN],
      path: ['sock', '\0abs'],
      data: [this.view(), [this.view()]],
      control: [undefined, []],
      flags: [0, 1, 0x40],
      timeout: [0, 0.5, 1],
      signal: [undefined, AbortSignal.abort()],
      offset: [0, 1, 99],
      length: [0, 1, 99],
      controlSize: [0, 64],
      fds: ['receive', 'close'],
      mode: [0o600],
      unlink: [true, false],
      onProgress: [() => this.mischief()],
      fd: [-1, 1e9],
    }
    const object = this.below(8) === 0 ? new (class Options {})() : {}
    for (const [name, values] of Object.entries(fields)) {
      if (this.below(4) > 0) continue
      const value = this.pick(values)
      const get = () => {
        this.mischief()
        return this.pick([value, value, this.pick(values)])
      }
      Object.defineProperty(object, name, { get, enumerable: true, configurable: true })
    }
    return object
  }

  signal() {
    const throws = () => {
      throw new TypeError(USER)
    }
    const mischief = () => this.mischief()
    const { signal } = new AbortController()
    const own = (name, property) => Object.defineProperty(signal, name, { configurable: true, ...property })
    return this.pick([
      () => ({ aborted: false, addEventListener() {} }),
      () => ({ aborted: false, addEventListener() {}, removeEventListener: throws }),
      () => ({ aborted: false, addEventListener: (_, listener) => listener(), removeEventListener() {} }),
      () => ({ aborted: false, addEventListener: mischief, removeEventListener: mischief }),
      () => Object.create(AbortSignal.prototype),
      () => new globalThis.EventTarget(),
      () => new Proxy(signal, {}),
      () => own('removeEventListener', { value: this.pick([throws, mischief, undefined]) }),
      () => own('addEventListener', { value: this.pick([throws, mischief, undefined, (_, listener) => listener()]) }),
      () => own('aborted', { get: this.pick([throws, () => (this.mischief(), false), () => true]) }),
      () => own('reason', { get: throws }),
      () => AbortSignal.abort({ get name() { throw new TypeError(USER) } }),
      () => AbortSignal.timeout(1),
      () => {
        const controller = new AbortController()
        controller.signal.addEventListener('abort', mischief)
        setImmediate(() => controller.abort())
        return controller.signal
      },
    ])()
  } // prettier-ignore

  thenable() {
    const then = this.pick([
      resolve => resolve(this.context.anything()),
      (_, reject) => reject(new TypeError(USER)),
      () => this.mischief(),
      resolve => (resolve(1), resolve(2)),
      undefined,
    ])
    return this.pick([
      () => ({ then }),
      () => Object.assign(this.view(), { then }),
      () => Object.assign([this.view()], { then }),
      () => ({ timeout: 0, then }),
    ])()
  }

  /** Returns a value that runs code when it is converted to a number or a string. */
  converting() {
    const convert = () => {
      this.mischief()
      return this.pick([0, 1, 8, -1, 'x', '127.0.0.1'])
    }
    return this.pick([
      () => ({ valueOf: convert }),
      () => ({ toString: convert }),
      () => ({ [Symbol.toPrimitive]: convert }),
      () => Object.assign(new Number(4), { valueOf: convert }),
      () => Object.assign(new String('127.0.0.1'), { toString: convert }),
      () => Object.assign(() => 0, { valueOf: convert }),
      () => ({ address: { toString: convert }, port: { valueOf: convert } }),
      () => [{ toString: convert }, { valueOf: convert }],
    ])()
  }

  // --- prototypes ---

  /**
   * Runs a call while Object.prototype, and sometimes Array.prototype, has additional fields. It is a fault if the
   * package uses one of them as a field of an argument.
   */
  polluted(args, run) {
    const given = new Set()
    const collect = value => {
      if (typeof value !== 'object' || value === null || given.has(value)) return
      const prototype = Object.getPrototypeOf(value)
      if (prototype === Object.prototype) given.add(value)
      if (prototype === Array.prototype) value.forEach(collect)
    }
    args.forEach(collect)
    const { report, anything } = this.context
    const value = this.below(2) === 0 ? undefined : anything()
    const restore = new Set() // a Set, because an array would also be attacked
    const pollute = (prototype, name, get) => {
      const before = Object.getOwnPropertyDescriptor(prototype, name)
      // An assignment works as it would without the attack.
      const set = function (own) {
        Object.defineProperty(this, name, { value: own, writable: true, enumerable: true, configurable: true })
      }
      Object.defineProperty(prototype, name, { get, set, configurable: true })
      restore.add(() => {
        if (before === undefined) delete prototype[name]
        else Object.defineProperty(prototype, name, before)
      })
    }
    for (const name of inherited) {
      if (this.below(3) > 0) continue
      const get = function () {
        if (given.has(this)) {
          given.delete(this)
          const caller = /\/dist\/\S+/.exec(new Error().stack)?.[0]
          if (caller !== undefined) report(`"${name}" was taken from Object.prototype`)
        }
        return value
      }
      pollute(Object.prototype, name, get)
    }
    if (this.below(4) === 0) {
      const get = () => {
        this.mischief()
        return undefined
      }
      // Reading a hole of an array reads its prototype.
      pollute(Array.prototype, String(this.below(4)), get)
    }
    try {
      return run()
    } finally {
      for (const undo of restore) undo()
    }
  } // prettier-ignore
}

module.exports = { Attacks, USER }

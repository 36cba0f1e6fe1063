import { closeSync } from 'node:fs'
import {
  getOption,
  setOption,
  type ReadableOption,
  type SocketOption,
  type WritableOption,
} from '../../lib/options'
import type { Socket } from '../../lib'
import { type Sockets, callsOf } from './sockets'

type Make = Exclude<
  { [K in keyof Sockets]: Sockets[K] extends () => Socket | Promise<Socket> ? K : never }[keyof Sockets],
  never
>
type Any = SocketOption<unknown, never, 'get' | 'set' | 'both'>

/** Describes how one option is tried on this kernel. */
export interface Row {
  readonly run: (option: Any, sockets: Sockets) => Promise<void>
  /** Why the kernel or its configuration refuses the option. The row then tests the refusal. */
  readonly refused?: string
}

export const get = (socket: Socket, option: Any): unknown =>
  getOption(callsOf(socket), option as ReadableOption<unknown>)
export const set = (socket: Socket, option: Any, value: unknown): void =>
  setOption(callsOf(socket), option as WritableOption<unknown>, value)

/** Returns the code of the error that is thrown, or null. */
export function codeOf(run: () => unknown): string | null {
  try {
    run()
    return null
  } catch (error) {
    return (error as { code: string }).code
  }
}

/** Sets the option and reads it back, as given or as the kernel changes it. */
export function both(make: Make, value: unknown, back: unknown = value): Row {
  return {
    async run(option, sockets) {
      const socket = await sockets[make]()
      set(socket, option, value)
      expect(get(socket, option)).toEqual(back)
    },
  }
}

/** Sets the option to true and to false, and reads it back each time. */
export function onOff(make: Make): Row {
  return {
    async run(option, sockets) {
      const socket = await sockets[make]()
      for (const value of [true, false]) {
        set(socket, option, value)
        expect(get(socket, option)).toBe(value)
      }
    },
  }
}

/** Only reads the option. */
export function read(make: Make, expected: unknown): Row {
  return {
    async run(option, sockets) {
      expect(get(await sockets[make](), option)).toEqual(expected)
    },
  }
}

/** Only sets the option. The kernel must accept each value. */
export function write(make: Make, ...values: unknown[]): Row {
  return {
    async run(option, sockets) {
      const socket = await sockets[make]()
      for (const value of values) set(socket, option, value)
    },
  }
}

/** Reads a file descriptor and closes it. */
export const readDescriptor = (make: Make): Row => ({
  async run(option, sockets) {
    const fd = get(await sockets[make](), option) as number
    expect(fd).toBeGreaterThan(2)
    closeSync(fd)
  },
})

/** Runs code of its own. */
export const custom = (run: (option: Any, sockets: Sockets) => Promise<void> | void): Row => ({
  run: async (option, sockets) => run(option, sockets),
})

/** Expects that the kernel refuses a read, or the value, with these codes. */
export function refused(
  make: Make,
  codes: { get?: string; set?: string },
  reason: string,
  value: unknown = 1,
): Row {
  return {
    refused: reason,
    async run(option, sockets) {
      const socket = await sockets[make]()
      if (codes.get !== undefined) expect(codeOf(() => get(socket, option))).toBe(codes.get)
      if (codes.set !== undefined) expect(codeOf(() => set(socket, option, value))).toBe(codes.set)
    },
  }
}

/** Expects the error of what the option needs and the test cannot make: the option itself exists. */
export function reached(make: Make, value: unknown, code: string): Row {
  return {
    async run(option, sockets) {
      const socket = await sockets[make]()
      expect(codeOf(() => set(socket, option, value))).toBe(code)
    },
  }
}

import { elementsOf } from '../errors/argument'
import { invalidType } from '../errors'
import { hostContext } from '../options/context'
import { setOption, type OptionCalls, type WritableOption } from '../options/option'

/** Options with their values, such as `[[options.SO_RCVBUF, 1 << 20], [options.TCP_NODELAY, true]]`. */
export type OptionValues<T extends readonly unknown[]> = {
  readonly [K in keyof T]: readonly [option: WritableOption<T[K]>, value: NoInfer<T[K]>]
}

interface Settable {
  set(option: WritableOption<unknown>, value: unknown): unknown
}

/** Encodes a value and makes no system call. */
const nothing: OptionCalls = {
  context: hostContext,
  get: () => Buffer.alloc(0),
  set: () => undefined,
  setProgram: () => undefined,
}

/** Checks options and their values, and returns a function that sets them on a socket, in order. */
export function checkOptionValues(name: string, given: unknown): (socket: Settable) => void {
  if (given === undefined) return () => undefined
  const pairs = elementsOf(name, given as readonly unknown[]).map((each, i) => {
    const pair = elementsOf(`${name}[${i}]`, each)
    if (pair.length !== 2) throw invalidType(`${name}[${i}]`, 'an array [option, value]', each)
    return pair as [WritableOption<unknown>, unknown]
  })
  for (const [option, value] of pairs) setOption(nothing, option, value)
  return socket => {
    for (const [option, value] of pairs) socket.set(option, value)
  }
}

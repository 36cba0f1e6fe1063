import { constants } from '../constants'
import { invalidType, unsupported } from '../errors'
import { memberOf, ownFields } from '../runtime/fields'
import type { Codec, CodecContext } from './codec'

/** Whether an option can be read, set, or both. */
export type Access = 'get' | 'set' | 'both'

/**
 * Describes a socket option: its numbers, the type of its value, and whether it can be read and set.
 *
 * `Get` is the type that `socket.get` returns. `Set` is the type that `socket.set` takes.
 */
export interface SocketOption<Get, Set = Get, Allowed extends Access = 'both'> {
  /** The C name of the option. */
  readonly name: string
  /** `SOL_*` or `IPPROTO_*`; `undefined` if the system has no such level. */
  readonly level: number | undefined
  /** The number of the option at its level; `undefined` if the system has no such option. */
  readonly option: number | undefined
  readonly codec: Codec<Get, Set>
  readonly access: Allowed
}

/** An option that `socket.get` accepts. */
export type ReadableOption<Get> = SocketOption<Get, never, 'get' | 'both'>
/** An option that `socket.set` accepts. */
export type WritableOption<Set> = SocketOption<unknown, Set, 'set' | 'both'>

/** Makes the system calls on one socket. All methods throw a `SocketError`. */
export interface OptionCalls {
  /** What the codecs need to know about the socket's system. */
  readonly context: CodecContext
  /**
   * Reads up to `size` bytes and trims them to what the kernel returned. getsockopt(2)
   *
   * A few options need a `request`: the kernel reads it from the beginning of the buffer before it writes the
   * answer there.
   */
  get(level: number, option: number, size: number, request?: Uint8Array): Buffer
  /** Sets an option. setsockopt(2) */
  set(level: number, option: number, value: Uint8Array): void
  /** Sets an option to a `struct sock_fprog` that points to the instructions. setsockopt(2) */
  setProgram(level: number, option: number, instructions: Uint8Array): void
}

/** The options that defineOption created, with internal data. A WeakMap keeps the data off the option objects. */
const defined = new WeakMap<object, Extras>()
const accesses: readonly unknown[] = ['get', 'set', 'both'] satisfies Access[]

/**
 * Declares a socket option for `socket.get` and `socket.set`.
 *
 * Use it for options of a driver or a newer kernel, or to give an option another type. `level` and `option` may be
 * `undefined` if this system does not have the option. Using it then throws `ENOPROTOOPT` without a system call.
 *
 * @example
 * const SO_MARK = defineOption({
 *   name: 'SO_MARK', level: SOL_SOCKET, option: 36, codec: codecs.uint32, access: 'both',
 * })
 */
export function defineOption<Get, Set, Allowed extends Access>(
  description: SocketOption<Get, Set, Allowed>,
): SocketOption<Get, Set, Allowed> {
  if (typeof description !== 'object' || description === null)
    throw invalidType('description', 'object', description)
  const { name, level, option, codec, access } = ownFields(description)
  if (typeof name !== 'string' || name === '')
    throw invalidType('description.name', 'a string that is not empty', name)
  checkNumber('description.level', level)
  checkNumber('description.option', option)
  checkCodec(codec)
  if (!accesses.includes(access)) throw invalidType('description.access', `'get', 'set' or 'both'`, access)
  const made = Object.freeze({ name, level, option, codec, access })
  defined.set(made, readExtras(codec))
  return made
}

function checkNumber(argument: string, value: unknown): void {
  if (value === undefined) return
  // C constants are 32-bit integers, signed or unsigned.
  const whole =
    typeof value === 'number' && Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff
  if (!whole) throw invalidType(argument, 'a 32-bit integer, or undefined if the system has none', value)
}

function checkCodec(codec: unknown): void {
  const of = (name: string): unknown =>
    typeof codec === 'object' && codec !== null ? memberOf(codec, name) : undefined
  const [size, encode, decode] = [of('size'), of('encode'), of('decode')]
  const sized =
    typeof size === 'function' || (typeof size === 'number' && Number.isInteger(size) && size >= 0)
  if (!sized || typeof encode !== 'function' || typeof decode !== 'function') {
    throw invalidType('description.codec', 'an object with size, encode and decode', codec)
  }
}

/**
 * Returns the option with a request, for the few options whose answer depends on one.
 *
 * @example
 * socket.get(query(options.MCAST_MSFILTER, { group: '232.1.1.1', mode: 'include', sources: [] }))
 */
export function query<Get, Set>(
  option: SocketOption<Get, Set, Access>,
  request: NoInfer<Set>,
): SocketOption<Get, Set, 'get'> {
  extrasOf(option)
  if (option.access === 'set') throw denied(option, 'set')
  const asking = defineOption({ ...option, access: 'get' as const })
  extrasOf(asking).asked = { value: request }
  return asking
}

/** Reads a typed option. getsockopt(2) */
export function getOption<Get>(calls: OptionCalls, option: ReadableOption<Get>): Get {
  const { request: ask, grows, asked } = extrasOf(option)
  const { name, level, option: number, codec, access } = option
  if ((access as Access) === 'set') throw denied(option, 'set')
  const { context } = calls
  const size = sizeOf(context, codec)
  if (level === undefined || number === undefined || size === undefined)
    throw unsupported(name, 'getsockopt', 'ENOPROTOOPT')
  const wanted = ask === undefined ? undefined : apply(ask, codec, [context, asked?.value as never, name])
  const request =
    wanted ?? (asked === undefined ? undefined : codec.encode(context, asked.value as never, name))
  for (let room = Math.max(size, request?.length ?? 0); ; room *= 8) {
    try {
      return codec.decode(context, calls.get(level, number, room, request))
    } catch (error) {
      const short = grows === true && (error as { code?: unknown }).code === 'ERANGE'
      if (!short || room > MAX_LENGTH) throw error
    }
  }
}

const MAX_LENGTH = 1 << 20
const { apply } = Reflect

/** Sets a typed option. setsockopt(2) */
export function setOption<Set>(calls: OptionCalls, option: WritableOption<Set>, value: Set): void {
  const { isProgram } = extrasOf(option)
  const { name, level, option: number, codec, access } = option
  if ((access as Access) === 'get') throw denied(option, 'read')
  const { context } = calls
  if (level === undefined || number === undefined || sizeOf(context, codec) === undefined) {
    throw unsupported(name, 'setsockopt', 'ENOPROTOOPT')
  }
  const bytes = codec.encode(context, value, name)
  const program = isProgram !== undefined && apply(isProgram, codec, [value as never])
  if (!program) return calls.set(level, number, bytes)
  calls.setProgram(level, number, bytes)
}

interface Extras extends Pick<Codec<unknown, never>, 'request' | 'grows' | 'isProgram'> {
  /** The request of `query`. */
  asked: { value: unknown } | undefined
}

// Reads the optional members of a codec once, without inherited ones: Object.prototype may have members of these
// names.
function readExtras(codec: object): Extras {
  const of = <Key extends keyof Extras>(key: Key): Extras[Key] => memberOf(codec, key) as Extras[Key]
  return {
    request: of('request'),
    grows: of('grows'),
    isProgram: of('isProgram'),
    asked: undefined,
  } as Extras
}

function extrasOf(option: unknown): Extras {
  const extras = typeof option === 'object' && option !== null ? defined.get(option) : undefined
  if (extras === undefined)
    throw invalidType('option', 'an option that defineOption created, such as options.SO_REUSEADDR', option)
  return extras
}

function sizeOf(
  context: CodecContext,
  { size }: Codec<never, never> | Codec<unknown, never>,
): number | undefined {
  return typeof size === 'function' ? size(context) : size
}

function denied(option: { name: string }, only: 'read' | 'set'): TypeError {
  const wanted = only === 'read' ? 'set' : 'read'
  return invalidType('option', `an option that can be ${wanted}; ${option.name} can only be ${only}`, option)
}

/**
 * Returns functions that declare the options of one level. The number of an option is the constant of the same
 * name.
 */
export function optionsOf(level: number | undefined) {
  const declare =
    <Allowed extends Access>(access: Allowed) =>
    <Get, Set>(
      name: string,
      codec: Codec<Get, Set>,
      option = constants[name],
    ): SocketOption<Get, Set, Allowed> =>
      defineOption({ name, level, option, codec, access })
  return { both: declare('both'), get: declare('get'), set: declare('set') }
}

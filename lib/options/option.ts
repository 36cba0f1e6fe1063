import { constants } from '../constants'
import { invalidType, unsupported } from '../errors'
import { memberOf, ownFields } from '../runtime/fields'
import { addresses, platform } from '../host'
import { interfaces } from '../binding/interface-lookup'
import { provide, type Codec } from './codec'

provide(platform, addresses, interfaces)

/** What may be done with an option. */
export type Access = 'get' | 'set' | 'both'

/**
 * A socket option: its numbers, what its value is in JavaScript, and whether it may be read and set.
 * `Get` is what `socket.get` gives, `Set` what `socket.set` takes.
 */
export interface SocketOption<Get, Set = Get, Allowed extends Access = 'both'> {
  /** As C spells it. */
  readonly name: string
  /** `SOL_*` or `IPPROTO_*`; `undefined` where the system has no such level. */
  readonly level: number | undefined
  /** The number of the option at its level; `undefined` where the system has no such option. */
  readonly option: number | undefined
  readonly codec: Codec<Get, Set>
  readonly access: Allowed
}

/** An option that `socket.get` takes. */
export type ReadableOption<Get> = SocketOption<Get, never, 'get' | 'both'>
/** An option that `socket.set` takes. */
export type WritableOption<Set> = SocketOption<unknown, Set, 'set' | 'both'>

/** The two system calls, for one socket. Both throw a `SocketError`. */
export interface OptionCalls {
  /**
   * getsockopt(2): up to `size` bytes, trimmed to what the kernel returned. The few options that ask a
   * question have it in `request`, at the beginning of the buffer that the kernel then writes to.
   */
  get(level: number, option: number, size: number, request?: Uint8Array): Buffer
  /** setsockopt(2). */
  set(level: number, option: number, value: Uint8Array): void
  /** setsockopt(2) with a `struct sock_fprog` that points at the instructions. */
  setProgram(level: number, option: number, instructions: Uint8Array): void
}

/** The options that defineOption made. What is kept beside them is no property: an option stays as it was declared. */
const defined = new WeakMap<object, Extras>()
const accesses: readonly unknown[] = ['get', 'set', 'both'] satisfies Access[]

/**
 * Declares a socket option, for `socket.get` and `socket.set`: one of a driver, of a newer kernel, or one
 * that is wanted as another type. `level` or `option` may be `undefined` where this system has none: its
 * use then throws `ENOPROTOOPT`, without a system call.
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
  // The constants of C are an int, whatever their sign.
  const whole =
    typeof value === 'number' && Number.isInteger(value) && value >= -0x80000000 && value <= 0xffffffff
  if (!whole) throw invalidType(argument, 'a 32-bit integer, or undefined where the system has none', value)
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
 * The option with a question: for the few whose answer depends on what the kernel is given.
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

/** getsockopt(2) of a typed option. */
export function getOption<Get>(calls: OptionCalls, option: ReadableOption<Get>): Get {
  const { request: ask, grows, asked } = extrasOf(option)
  const { name, level, option: number, codec, access } = option
  if ((access as Access) === 'set') throw denied(option, 'set')
  const size = sizeOf(codec)
  if (level === undefined || number === undefined || size === undefined)
    throw unsupported(name, 'getsockopt', 'ENOPROTOOPT')
  const wanted = ask === undefined ? undefined : apply(ask, codec, [platform, asked?.value as never, name])
  const request =
    wanted ?? (asked === undefined ? undefined : codec.encode(platform, asked.value as never, name))
  for (let room = Math.max(size, request?.length ?? 0); ; room *= 8) {
    try {
      return codec.decode(platform, calls.get(level, number, room, request))
    } catch (error) {
      const short = grows === true && (error as { code?: unknown }).code === 'ERANGE'
      if (!short || room > MAX_LENGTH) throw error
    }
  }
}

const MAX_LENGTH = 1 << 20
const { apply } = Reflect

/** setsockopt(2) of a typed option. */
export function setOption<Set>(calls: OptionCalls, option: WritableOption<Set>, value: Set): void {
  const { isProgram } = extrasOf(option)
  const { name, level, option: number, codec, access } = option
  if ((access as Access) === 'get') throw denied(option, 'read')
  if (level === undefined || number === undefined || sizeOf(codec) === undefined) {
    throw unsupported(name, 'setsockopt', 'ENOPROTOOPT')
  }
  const bytes = codec.encode(platform, value, name)
  const program = isProgram !== undefined && apply(isProgram, codec, [value as never])
  if (!program) return calls.set(level, number, bytes)
  calls.setProgram(level, number, bytes)
}

interface Extras extends Pick<Codec<unknown, never>, 'request' | 'grows' | 'isProgram'> {
  /** The question of `query`. */
  asked: { value: unknown } | undefined
}

// The members that most codecs do not have are read once: Object.prototype may have members of these names.
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
    throw invalidType('option', 'made by defineOption, such as options.SO_REUSEADDR', option)
  return extras
}

function sizeOf(codec: Codec<never, never> | Codec<unknown, never>): number | undefined {
  return typeof codec.size === 'function' ? codec.size(platform) : codec.size
}

function denied(option: { name: string }, only: 'read' | 'set'): TypeError {
  const wanted = only === 'read' ? 'set' : 'read'
  return invalidType('option', `one that can be ${wanted}: ${option.name} can only be ${only}`, option)
}

/** Declares the options of one level, which are called as the constants are. */
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

import { canceled, closed, invalidType, systemError } from '../errors'
import { elementsOf, checkInteger } from '../errors/argument'
import { BaseSocket } from '../socket/base'
import { native } from '../binding/binding'
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../constants'
import { EBADF } from '../errors/errno'
import type { Channel } from '../reactor/channel'
import { checkFd, checkOp, checkTimeout, type Op, type Waiting } from '../validators'
import { ownFields } from '../runtime/fields'

/** A Socket, a descriptor, or an object with a descriptor as `fd`. */
export type Pollable = number | { readonly fd: number }

/** One entry of poll(2): a socket or a descriptor, and the `POLL*` events to wait for. */
export interface PollEntry {
  readonly socket?: { readonly fd: number } | undefined
  readonly fd?: Pollable | undefined
  /** Default: `POLLIN | POLLPRI | POLLOUT`. Errors and hang-ups are always reported. */
  readonly events?: number | undefined
}

/** The caller's entry, with `revents`: the events that occurred, bits of `POLLIN`, `POLLERR`, … */
export type PollResult<E extends PollEntry = PollEntry> = E & { revents: number }

/** A timeout in milliseconds, `null` for no limit, or an object with a timeout and a signal. */
export type PollTimeout = number | null | Pick<Op, 'timeout' | 'signal'>

const READING = POLLIN | POLLRDNORM
// The events that select(2) treats as readable, writable and exceptional.
const FOR_READ = READING | POLLRDBAND | POLLHUP | POLLERR
const FOR_WRITE = POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR
const FOR_EXCEPT = POLLPRI
const ANYTHING = 0xffff

const FIELDS = 3 // as in native/syscalls/poll.cc
const REVENTS = 2

/** An element of the list: a descriptor, the requested events, and the events that count as ready. */
interface Place {
  fd: number
  events: number
  counts: number
  /** The channel of a Socket. It may be closed, and then another file may use its descriptor number. */
  channel: Channel | null
}

/** The descriptors of one poll(2). */
export class PollSet {
  readonly #places: readonly Place[]
  readonly #fields: Int32Array
  readonly channels: readonly Channel[]

  constructor(places: readonly Place[]) {
    this.#places = places
    this.#fields = new Int32Array(places.length * FIELDS)
    places.forEach((place, i) => this.#fields.set([place.fd, place.events], i * FIELDS))
    this.channels = [...new Set(places.flatMap(({ channel }) => (channel === null ? [] : [channel])))]
  }

  /** Calls poll(2); −1 waits without limit. Returns the number of ready elements, or −errno. */
  look(milliseconds: number): number {
    const known = this.#prepare()
    const result = native.poll(this.#fields, known ? 0 : milliseconds)
    if (result < 0) return result
    let ready = 0
    this.#places.forEach(({ counts, channel }, i) => {
      if (channel !== null) this.#fields[i * FIELDS + REVENTS]! |= ownEvents(channel, this.#asked(i))
      if ((this.revents(i) & counts) !== 0) ready++
    })
    return ready
  }

  revents(i: number): number {
    return this.#fields[i * FIELDS + REVENTS]!
  }

  /** Returns a descriptor that is readable while an element of the set is ready, or −errno. */
  gather(): number {
    const merged = new Map<number, number>()
    this.#places.forEach((_, i) => {
      const fd = this.#fields[i * FIELDS]!
      if (fd >= 0) merged.set(fd, (merged.get(fd) ?? 0) | this.#asked(i))
    })
    return native.gather(Int32Array.from([...merged].flatMap(([fd, events]) => [fd, events, 0])))
  }

  #asked(i: number): number {
    return this.#fields[i * FIELDS + 1]!
  }

  // Updates the descriptors: −1 for closed sockets. Returns true if a result is known without the kernel.
  #prepare(): boolean {
    let known = false
    this.#places.forEach(({ channel }, i) => {
      if (channel === null) return
      this.#fields[i * FIELDS] = channel.fd // poll(2) ignores −1
      known ||= ownEvents(channel, this.#asked(i)) !== 0
    })
    return known
  }
}

/** Returns events that the kernel does not report: a closed socket, or bytes that an earlier call left. */
function ownEvents(channel: Channel, asked: number): number {
  if (channel.fd < 0) return POLLNVAL
  return channel.leftover === null ? 0 : asked & READING
}

/** A set to poll, and how to read the answer. Shared by the asynchronous and the blocking form. */
export interface Question<T> {
  readonly set: PollSet
  readonly answer: () => T
}

export function pollQuestion<E extends PollEntry>(entries: readonly E[]): Question<PollResult<E>[]> {
  const own = (elementsOf('entries', entries) as E[]).map((entry, i) => ownEntry(entry, i))
  const set = new PollSet(own.map(placeOfEntry))
  return {
    set,
    answer: () =>
      own.flatMap((entry, i) => {
        const revents = set.revents(i)
        return revents === 0 ? [] : [{ ...entry, revents }]
      }),
  }
}

function ownEntry<E extends PollEntry>(entry: E, i: number): E {
  if (typeof entry !== 'object' || entry === null) throw invalidType(`entries[${i}]`, 'object', entry)
  return ownFields(entry)
}

function placeOfEntry(entry: PollEntry, i: number): Place {
  const name = `entries[${i}]`
  const { socket, fd, events = POLLIN | POLLPRI | POLLOUT } = entry
  if ((socket === undefined) === (fd === undefined)) {
    throw invalidType(name, 'an object with either socket or fd', entry)
  }
  const asked = checkInteger(`${name}.events`, events, 0, ANYTHING)
  return place(`${name}.${socket === undefined ? 'fd' : 'socket'}`, socket ?? fd, asked, ANYTHING)
}

function place(name: string, value: unknown, events: number, counts: number): Place {
  if (value instanceof BaseSocket) return { fd: value.channel.fd, events, counts, channel: value.channel }
  return { fd: checkFd(name, value), events, counts, channel: null }
}

export function selectQuestion<R extends Pollable, W extends Pollable, X extends Pollable>(
  read: readonly R[],
  write: readonly W[],
  except: readonly X[],
): Question<[R[], W[], X[]]> {
  const reading = elementsOf('read', read) as R[]
  const writing = elementsOf('write', write) as W[]
  const excepting = elementsOf('except', except) as X[]
  const places = [
    ...placesOfList('read', reading, POLLIN, FOR_READ),
    ...placesOfList('write', writing, POLLOUT, FOR_WRITE),
    ...placesOfList('except', excepting, POLLPRI, FOR_EXCEPT),
  ]
  if (places.some(({ channel }) => channel !== null && channel.fd < 0)) throw closed('select')
  const set = new PollSet(places)
  const ready = <E>(list: readonly E[], from: number, counts: number): E[] =>
    list.filter((_, i) => (set.revents(from + i) & counts) !== 0)
  return {
    set,
    answer: () => {
      if (set.channels.some(channel => channel.fd < 0)) throw canceled('select')
      const bad = places.find((_, i) => (set.revents(i) & POLLNVAL) !== 0)
      if (bad !== undefined) throw systemError('select', EBADF, { subject: `descriptor ${bad.fd}` })
      return [
        ready(reading, 0, FOR_READ),
        ready(writing, reading.length, FOR_WRITE),
        ready(excepting, reading.length + writing.length, FOR_EXCEPT),
      ]
    },
  }
}

function placesOfList(name: string, list: readonly unknown[], events: number, counts: number): Place[] {
  return list.map((value, i) => place(`${name}[${i}]`, value, events, counts | POLLNVAL))
}

/** Checks the timeout of poll and select. */
export function checkPollTimeout(timeout: PollTimeout | undefined): Waiting {
  if (typeof timeout === 'object' && timeout !== null) return checkOp(timeout, null)
  return { flags: 0, timeout: checkTimeout('timeout', timeout ?? null), signal: undefined }
}

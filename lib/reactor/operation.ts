import type { Memory } from '../binding/memory'
import {
  READY,
  READ,
  READ_OPCODE,
  WRITE,
  WRITE_OPCODE,
  ERROR_OPCODE,
  SLOT_STRIDE,
  type Direction,
} from '../binding/shared'

/** What an attempt returns while something other than readiness has to happen first. */
export const PENDING = -0x40000000

/** What an attempt returns when it has done enough for one turn of the loop. */
export const YIELD = -0x40000001

/** What a timeout or a signal needs to take an operation back. */
export interface Leave {
  timer: NodeJS.Timeout | null
  /** Takes the listener of the signal back. */
  forget: (() => void) | null
  /** Why it leaves as soon as it is no longer busy. */
  reason: Error | null
}

/**
 * One operation on a socket: a single non-blocking attempt, the readiness that it waits for, and what
 * its result looks like. Three drivers run it: the reactor (promises), `attemptNow` (`tryX`) and
 * `block` (`bsd-sockets/sync`).
 */
export abstract class Operation<T> {
  next: Operation<unknown> | null = null
  previous: Operation<unknown> | null = null
  /** Settles the promise. Nobody waits on an operation whose driver is not the reactor. */
  resolve: (value: never) => void = unset
  reject: (reason: unknown) => void = unset
  queued = false
  /** What can take it out of the queue early; most operations have nothing. */
  leave: Leave | null = null

  abstract get direction(): Direction
  /** The system call's name, for errors. */
  abstract get syscall(): string

  /** Makes one attempt: ≥ 0, −errno, or PENDING. May throw for a buffer that is no longer what it was. */
  abstract attempt(): number

  /**
   * The value of a result ≥ 0. `where` is the place of received bytes in the inbox, or −1 when they are
   * in the operation's own buffer; `address` and `addressLength` tell where the sockaddr is.
   */
  abstract value(result: number, where: number, address: number, addressLength: number): T

  /** The error of a result < 0. */
  abstract failure(result: number): Error

  /** True where readiness lies and never comes as an edge: the reactor then tries again by timer. */
  get spurious(): boolean {
    return false
  }

  /** True for a read that does not wait for data: what is known about data says nothing about it. */
  get ignoresDry(): boolean {
    return false
  }

  /** How far it has got, in bytes: an attempt that got further did not meet false readiness. */
  get progress(): number {
    return 0
  }

  /** True while work off the loop is under way: no attempt before it has ended. */
  get busy(): boolean {
    return false
  }

  /** It is going to wait: duplicates the descriptors that the caller may close meanwhile. May throw. */
  hold(): void {}

  /** Milliseconds for which an operation that leaves waits for its work off the loop, to tell exactly how far it got. */
  get grace(): number {
    return 0
  }

  /** Leaves the queue without a result: gives back what the operation holds, adds progress to the reason. */
  abandon(reason: Error): Error {
    return reason
  }

  /** Would block, and nobody waits for it: gives back what the operation holds. */
  pass(): null {
    return null
  }

  /** Asks C++ for an attempt on the next edge; the default only asks to be told. */
  arm(memory: Memory, index: number): void {
    const field =
      this.direction === READ ? READ_OPCODE : this.direction === WRITE ? WRITE_OPCODE : ERROR_OPCODE
    memory.table[index * SLOT_STRIDE + field] = READY
  }
}

function unset(): never {
  throw new Error('the operation was not submitted')
}

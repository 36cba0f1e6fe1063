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

/** An attempt returns this if the operation waits for something other than readiness, such as a job. */
export const PENDING = -0x40000000

/** An attempt returns this if the operation is not finished but has used its share of this turn. */
export const YIELD = -0x40000001

/** How a timeout or a signal removes an operation from its queue. */
export interface Leave {
  timer: NodeJS.Timeout | null
  /** Removes the listener from the signal. */
  forget: (() => void) | null
  /** The reason to reject with, as soon as the operation is no longer busy. */
  reason: Error | null
}

// All promises share one executor: a new closure for each promise would cost more than the promise itself.
const captured: { resolve: (value: never) => void; reject: (reason: unknown) => void } = {
  resolve: unset,
  reject: unset,
}
function capture(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  captured.resolve = resolve
  captured.reject = reject
}

/**
 * One operation on a socket: a non-blocking attempt, the direction that it waits for, and how to convert the result or
 * the error. Three drivers run operations: the reactor (promises), `attemptNow` (`tryX`) and `block`
 * (`bsd-sockets/sync`).
 */
export abstract class Operation<T> {
  /** The next operation of the queue, and the one before; before the head comes the last one. See `Waiting`. */
  next: Operation<unknown> | null = null
  previous: Operation<unknown> | null = null
  /** Settles the promise. Only the reactor calls these two. */
  resolve: (value: never) => void = unset
  reject: (reason: unknown) => void = unset
  queued = false
  /** True from the moment when the operation is to wait. Code of async hooks may run before it is queued. */
  taken = false
  /** The timeout and the signal of the operation; null if it has neither. */
  leave: Leave | null = null

  /** Returns a new promise, which `resolve` and `reject` settle. See `settles`. */
  promise(): Promise<T> {
    const promise = new Promise<T>(capture)
    this.resolve = captured.resolve
    this.reject = captured.reject
    // If the stack is used up, the next call of `capture` may throw. Then it must not leave the functions of this promise.
    captured.resolve = captured.reject = unset
    return promise
  }

  /** False if `capture` threw: the promise is rejected already, and the operation must not wait. */
  get settles(): boolean {
    return this.reject !== unset
  }

  abstract get direction(): Direction
  /** The system call's name, for errors. */
  abstract get syscall(): string

  /** Makes one attempt. Returns a result ≥ 0, −errno, PENDING or YIELD. May throw if the buffer was detached. */
  abstract attempt(): number

  /**
   * Converts a result ≥ 0 to the value of the promise. `where` is the place of the received bytes in the inbox, or −1
   * if they are in the operation's own buffer. `address` and `addressLength` tell where the sockaddr is.
   */
  abstract value(result: number, where: number, address: number, addressLength: number): T

  /** Converts a result < 0 to an error. */
  abstract failure(result: number): Error

  /** True if readiness to write may be spurious and no edge may come: the reactor retries by timer. */
  get spurious(): boolean {
    return false
  }

  /**
   * True for reads of another queue (MSG_OOB, MSG_ERRQUEUE), or if bytes were given back: such a read may succeed although
   * the table says DRY.
   */
  get ignoresDry(): boolean {
    return false
  }

  /** Bytes transferred so far. If an attempt made progress before EAGAIN, the readiness was not spurious. */
  get progress(): number {
    return 0
  }

  /** True while a job runs on another thread. No attempt is made until the job has ended. */
  get busy(): boolean {
    return false
  }

  /** Called before the operation waits: duplicates descriptors that the caller may close meanwhile. May throw. */
  hold(): void {}

  /** Milliseconds to wait for a running job after an abort or a timeout, so that the error has the exact byte count. */
  get grace(): number {
    return 0
  }

  /** Called when the operation ends without a result. Releases its resources, and adds its progress to the error. */
  abandon(reason: Error): Error {
    return reason
  }

  /** Called when a `tryX` operation would block. Releases its resources. */
  pass(): null {
    return null
  }

  /** Tells C++ what to do on the next edge. The default is READY: only report it. */
  arm(memory: Memory, index: number): void {
    const field =
      this.direction === READ ? READ_OPCODE : this.direction === WRITE ? WRITE_OPCODE : ERROR_OPCODE
    memory.table[index * SLOT_STRIDE + field] = READY
  }
}

function unset(): never {
  throw new Error('the operation was not submitted')
}

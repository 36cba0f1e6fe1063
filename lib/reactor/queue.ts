import type { Operation } from './operation'

/** A FIFO of operations, as a doubly linked list: any operation can be removed in constant time. */
export class Queue {
  head: Operation<unknown> | null = null
  tail: Operation<unknown> | null = null

  add(operation: Operation<unknown>): void {
    operation.previous = this.tail
    if (this.tail === null) this.head = operation
    else this.tail.next = operation
    this.tail = operation
  }

  remove(operation: Operation<unknown>): void {
    if (operation.previous === null) this.head = operation.next
    else operation.previous.next = operation.next
    if (operation.next === null) this.tail = operation.previous
    else operation.next.previous = operation.previous
    operation.next = operation.previous = null
  }
}

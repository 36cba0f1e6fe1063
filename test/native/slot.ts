import { AF_INET, SOCK_DGRAM } from '../../lib'
import { native } from '../../lib/binding/binding'
import { reactor } from '../../lib/reactor'

/** Calls `use` with the slot of a new socket, and closes the slot. */
export function withSlot(use: (slot: number, fd: number) => void): void {
  const { id } = reactor.adopt(native.socket(AF_INET, SOCK_DGRAM, 0), 0)
  use(id, native.descriptor(id))
  native.close(id)
}

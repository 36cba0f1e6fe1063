import type { Platform } from '../platform'

/** The layout of control messages in a buffer. cmsg(3) */
export class ControlLayout {
  readonly header: number
  readonly alignment: number
  readonly wide: boolean
  readonly levelAt: number
  readonly typeAt: number

  constructor({ layout }: Platform) {
    this.alignment = layout['cmsg_align']!
    this.header = this.align(layout['sizeof_cmsghdr']!)
    this.wide = layout['sizeof_cmsghdr_cmsg_len'] === 8
    this.levelAt = layout['offsetof_cmsghdr_cmsg_level']!
    this.typeAt = layout['offsetof_cmsghdr_cmsg_type']!
  }

  align(size: number): number {
    return Math.ceil(size / this.alignment) * this.alignment
  }

  /** Returns the length of a header and `size` bytes of data. CMSG_LEN(3) */
  length(size: number): number {
    return this.header + size
  }

  /** Returns the same with padding: the space that a control message takes. CMSG_SPACE(3) */
  space(size: number): number {
    return this.header + this.align(size)
  }
}

/**
 * A Buffer whose memory no other thread shares, so that every API of the web takes it. Node has this name in newer
 * versions of its types. Older types and compilers know no kind of memory: there it is a plain Buffer.
 */
export type NonSharedBuffer = ReturnType<typeof Buffer.alloc>

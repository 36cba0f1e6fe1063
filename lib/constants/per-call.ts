/**
 * The constants that operations use on each call, as fields of a small module.
 *
 * V8 keeps a module of some thousand names as a hash table: each use of such an import is a search, about 10 ns. The
 * fields of a small module are read like those of any object.
 */
import * as all from '.'

export const {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_DGRAM,
  SOCK_STREAM,
} = all

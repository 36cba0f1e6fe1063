/**
 * The constants and struct layouts of an operating system. The codecs of addresses, options and control messages take a
 * Platform instead of the numbers of the running kernel, so that the Darwin layouts can be tested on Linux.
 */
export interface Platform {
  readonly os: 'linux' | 'darwin'
  /** C constants by name; `undefined` if the platform does not have the constant. */
  readonly constants: Readonly<Record<string, number | undefined>>
  /** `sizeof_<struct>`, `offsetof_<struct>_<field>` and `sizeof_<struct>_<field>`, in bytes. */
  readonly layout: Readonly<Record<string, number>>
}

/**
 * What a codec has to know about an operating system. Addresses, options and control messages take
 * one of these instead of the running kernel's numbers, so a Linux machine tests the Darwin layouts.
 */
export interface Platform {
  readonly os: 'linux' | 'darwin'
  /** C constants by name; `undefined` where the platform has none. */
  readonly constants: Readonly<Record<string, number | undefined>>
  /** `sizeof_<struct>`, `offsetof_<struct>_<field>` and `sizeof_<struct>_<field>`, in bytes. */
  readonly layout: Readonly<Record<string, number>>
}

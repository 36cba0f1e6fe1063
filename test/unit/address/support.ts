import { AddressCodec, type Address, type AddressLike } from '../../../lib/address'
import type { Platform } from '../../../lib/platform'
import { darwin, linux } from '../../helpers/platforms'

const names = ['lo', 'eth0', 'wlan0']

/** Stands in for the system's interfaces: lo = 1, eth0 = 2, wlan0 = 3. */
export const interfaces = {
  indexOf: (name: string): number => names.indexOf(name) + 1,
  nameOf: (index: number): string | null => names[index - 1] ?? null,
}

export const onLinux = new AddressCodec(linux, interfaces)
export const onDarwin = new AddressCodec(darwin, interfaces)

/** Rows for describe.each: the name of the platform, the platform, and its codec. */
export const both: [os: string, platform: Platform, codec: AddressCodec][] = [
  ['linux', linux, onLinux],
  ['darwin', darwin, onDarwin],
]

/** Returns the number of a family that the platform has. */
export function af(platform: Platform, name: string): number {
  const family = platform.constants[name]
  if (family === undefined) throw new Error(`${platform.os} lacks ${name}`)
  return family
}

/** Returns the error that a call throws. */
export function thrown(run: () => unknown): Error & { code?: string } {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

/** Casts a value of a wrong type, for calls that would not compile. */
export const wrong = (value: unknown): AddressLike => value as AddressLike

/** Asserts the kind of a decoded address and narrows its type. */
export function as<K extends Address['kind']>(
  address: Address | null,
  kind: K,
): Extract<Address, { kind: K }> {
  expect(address?.kind).toBe(kind)
  return address as Extract<Address, { kind: K }>
}

/** Returns the bytes of hexadecimal text. Spaces are ignored. */
export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'))

import { AddressCodec, type Address, type AddressLike } from '../../../lib/address'
import type { Platform } from '../../../lib/platform'
import { darwin, linux } from '../../helpers/platforms'

const names = ['lo', 'eth0', 'wlan0']

/** Interfaces lo = 1, eth0 = 2, wlan0 = 3. */
export const interfaces = {
  indexOf: (name: string): number => names.indexOf(name) + 1,
  nameOf: (index: number): string | null => names[index - 1] ?? null,
}

export const onLinux = new AddressCodec(linux, interfaces)
export const onDarwin = new AddressCodec(darwin, interfaces)

/** For describe.each: the name of the platform, it, and its codec. */
export const both: [os: string, platform: Platform, codec: AddressCodec][] = [
  ['linux', linux, onLinux],
  ['darwin', darwin, onDarwin],
]

/** The number of a family that the platform is known to have. */
export function af(platform: Platform, name: string): number {
  const family = platform.constants[name]
  if (family === undefined) throw new Error(`${platform.os} lacks ${name}`)
  return family
}

/** What was thrown. */
export function thrown(run: () => unknown): Error & { code?: string } {
  try {
    run()
  } catch (error) {
    return error as Error
  }
  throw new Error('nothing was thrown')
}

/** For arguments that do not compile. */
export const wrong = (value: unknown): AddressLike => value as AddressLike

/** The address as it comes back, narrowed to a kind. */
export function as<K extends Address['kind']>(
  address: Address | null,
  kind: K,
): Extract<Address, { kind: K }> {
  expect(address?.kind).toBe(kind)
  return address as Extract<Address, { kind: K }>
}

/** 0x-less hexadecimal, spaces ignored, as bytes. */
export const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'))

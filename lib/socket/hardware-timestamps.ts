import { native } from '../binding/binding'
import { AF_INET, constants, SOCK_DGRAM } from '../constants'
import { interfaceError, systemError, unsupported } from '../errors'
import { errnoOf } from '../errors/errno'
import { reactor } from '../reactor'
import { checkOptions } from '../validators'
import { checkBoolean, checkText } from '../errors/argument'
import { create } from './create'
import { checkCreationOptions, type CreationOptions } from '../reactor/namespace'

/** Describes what `hardwareTimestamps` changes. An absent key is not changed. */
export interface HardwareTimestampOptions extends CreationOptions {
  /** Whether the network card timestamps packets that it sends, if a socket requests it. */
  tx?: boolean | undefined
  /** Whether the network card timestamps packets that it receives. */
  rx?: boolean | undefined
}

/** Describes which packets a network card timestamps. */
export interface HardwareTimestamps {
  /** True if the card timestamps packets that it sends. */
  tx: boolean
  /** True if the card timestamps at least some of the packets that it receives. */
  rx: boolean
  /** `HWTSTAMP_TX_*`. */
  tx_type: number
  /** `HWTSTAMP_FILTER_*`. A card may timestamp more packets than requested, or only those of PTP. */
  rx_filter: number
}

const FIELDS = ['tx', 'rx', 'netns'] satisfies (keyof HardwareTimestampOptions)[]

/**
 * Switches the hardware timestamps of a network card on or off, and returns the resulting settings. SIOCSHWTSTAMP
 *
 * Without `tx` and `rx` the call only reads the settings. The settings are those of the card, for all programs; they
 * stay after this process ends. `netns` is the network namespace of the interface. Sockets still request timestamps
 * themselves: `receiveMeta({ timestamp: 'hardware' })`, SO_TIMESTAMPING.
 *
 * Throws the kernel's error: `EOPNOTSUPP` if the card has no clock, `ERANGE` if it does not support the setting, `EPERM`
 * without CAP_NET_ADMIN, `ENODEV` if the interface does not exist. Linux only, else `ENOSYS`.
 */
export function hardwareTimestamps(name: string, options?: HardwareTimestampOptions): HardwareTimestamps {
  const text = checkText('name', name)
  const own = checkOptions('options', options, FIELDS)
  const tx = own.tx === undefined ? undefined : checkBoolean('options.tx', own.tx)
  const rx = own.rx === undefined ? undefined : checkBoolean('options.rx', own.rx)
  const netns = checkCreationOptions({ netns: own.netns })
  const { HWTSTAMP_TX_ON, HWTSTAMP_FILTER_ALL } = constants
  // uncovered: only on a system without this constant
  if (HWTSTAMP_TX_ON === undefined || HWTSTAMP_FILTER_ALL === undefined)
    throw unsupported('SIOCSHWTSTAMP', 'ioctl')
  const channel = create(AF_INET, SOCK_DGRAM, 0, netns)
  try {
    const config = new Int32Array(3)
    const call = (set: 0 | 1): void => {
      const result = native.hardwareTimestamps(channel.id, Buffer.from(text), config, set)
      if (result === errnoOf('ENODEV')) throw interfaceError(result, text)
      if (result < 0)
        throw systemError('ioctl', result, { subject: `${set ? 'SIOCSHWTSTAMP' : 'SIOCGHWTSTAMP'} ${text}` })
    }
    if (tx === undefined || rx === undefined) call(0)
    if (tx !== undefined) config[1] = tx ? HWTSTAMP_TX_ON : 0
    if (rx !== undefined) config[2] = rx ? HWTSTAMP_FILTER_ALL : 0
    if (tx !== undefined || rx !== undefined) call(1)
    const [, tx_type = 0, rx_filter = 0] = config
    return { tx: tx_type !== 0, rx: rx_filter !== 0, tx_type, rx_filter }
  } finally {
    reactor.close(channel)
  }
}

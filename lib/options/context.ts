import { interfaces } from '../binding/interface-lookup'
import { addresses, platform } from '../host'
import type { CodecContext } from './codecs/basic'

/** The context of codecs for this system, with the interfaces of the network namespace of this thread. */
export const hostContext: CodecContext = { ...platform, interfaces, addresses }

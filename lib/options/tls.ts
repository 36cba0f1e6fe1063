// SOL_TLS, in the order of <linux/tls.h>; TCP_ULP 'tls' comes first. Linux only. kernel doc networking/tls
import { SOL_TLS } from '../constants'
import { bool, int, tlsCryptoInfo } from './codec'
import { optionsOf } from './option'

const { both } = optionsOf(SOL_TLS)

/** The key for sending. Once. Linux only. kernel doc networking/tls */
export const TLS_TX = both('TLS_TX', tlsCryptoInfo)
/** The key for receiving. Once. Linux only. kernel doc networking/tls */
export const TLS_RX = both('TLS_RX', tlsCryptoInfo)
/** sendfile(2) without a copy: a file that is changed meanwhile gives records that do not verify. Linux only (5.19). */
export const TLS_TX_ZEROCOPY_RO = both('TLS_TX_ZEROCOPY_RO', bool)
/** The peer pads no records (TLS 1.3): decrypts in place, and again where it did. Linux only (6.0). */
export const TLS_RX_EXPECT_NO_PAD = both('TLS_RX_EXPECT_NO_PAD', bool)
/** Most bytes of a sent record. Linux only. */
export const TLS_TX_MAX_PAYLOAD_LEN = both('TLS_TX_MAX_PAYLOAD_LEN', int)

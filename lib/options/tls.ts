// SOL_TLS, in the order of <linux/tls.h>. Set TCP_ULP to 'tls' first. Linux only. kernel doc networking/tls
import { SOL_TLS } from '../constants'
import { bool, int, tlsCryptoInfo } from './codec'
import { optionsOf } from './option'

const { both } = optionsOf(SOL_TLS)

/** The key for sending. Can be set once. Linux only. kernel doc networking/tls */
export const TLS_TX = both('TLS_TX', tlsCryptoInfo)
/** The key for receiving. Can be set once. Linux only. kernel doc networking/tls */
export const TLS_RX = both('TLS_RX', tlsCryptoInfo)
/**
 * Makes sendfile(2) send without a copy. Linux only (5.19).
 *
 * If the file changes during the transfer, the peer receives records that fail verification.
 */
export const TLS_TX_ZEROCOPY_RO = both('TLS_TX_ZEROCOPY_RO', bool)
/**
 * Decrypts in place, assuming that the peer does not pad records (TLS 1.3). Linux only (6.0).
 *
 * A padded record is decrypted a second time.
 */
export const TLS_RX_EXPECT_NO_PAD = both('TLS_RX_EXPECT_NO_PAD', bool)
/** The maximum size of a sent record in bytes. Linux only. */
export const TLS_TX_MAX_PAYLOAD_LEN = both('TLS_TX_MAX_PAYLOAD_LEN', int)

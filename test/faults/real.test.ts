import { missing } from '../helpers/need'
import { testCases } from './process'

/*
 * Real faults: descriptors and buffers that run out, peers that stall and reset, files that shrink, a blocked thread
 * pool, and sockets that are closed during every operation.
 */
testCases(missing.linux(), ['descriptors.js', 'full.js', 'stalls.js', 'resets.js', 'files.js', 'pool.js', 'closing.js']) // prettier-ignore

import { missing } from '../helpers/need'
import { testCases } from './process'

/*
 * Faults that need no help: descriptors and room that run out, peers that stall and reset, files that shrink, a thread pool
 * that is stuck, and sockets that are closed in the midst of it all.
 */
testCases(missing.linux(), ['descriptors.js', 'full.js', 'stalls.js', 'resets.js', 'files.js', 'pool.js', 'closing.js']) // prettier-ignore

import { testCases, withoutInterposer } from './process'

/*
 * Injected faults: calls of the C library fail on command, for the addon alone.
 */
testCases(withoutInterposer(), [
  'sweep.js',
  'storms.js',
  'direct.js',
  'clocks.js',
  'open.js',
  'page-cache.js',
])

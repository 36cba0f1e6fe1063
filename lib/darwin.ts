// uncovered file: only on macOS
/** All constants of macOS, typed as always present. Importing this module on another system throws. */
import { requireSystem } from './binding/system'

requireSystem('darwin')

export * from './constants/common.gen'
export * from './constants/darwin.gen'

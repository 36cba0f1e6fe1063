/** All constants of Linux, typed as always present. Importing this module on another system throws. */
import { requireSystem } from './binding/system'

requireSystem('linux')

export * from './constants/common.gen'
export * from './constants/linux.gen'

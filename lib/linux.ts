/** The constants that exist on Linux only, typed as present. Importing this elsewhere throws. */
import { requireSystem } from './binding/system'

requireSystem('linux')

export * from './constants/common.gen'
export * from './constants/linux.gen'

/** The constants that exist on macOS only, typed as present. Importing this elsewhere throws. */
import { requireSystem } from './binding/system'

requireSystem('darwin')

export * from './constants/common.gen'
export * from './constants/darwin.gen'

/** The constants that exist on Linux only, typed as present. Importing this elsewhere throws. */
import { requireSystem } from './internal/system'

requireSystem('linux')

export * from './constants.linux.gen'

/** The constants that exist on macOS only, typed as present. Importing this elsewhere throws. */
import { requireSystem } from './internal/system'

requireSystem('darwin')

export * from './constants.darwin.gen'

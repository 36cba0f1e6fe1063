import type { InspectOptions } from 'node:util'

/** The options that util.inspect passes to a custom inspector. The name of this type differs between @types/node. */
export interface InspectStyle extends InspectOptions {
  stylize(text: string, style: 'special'): string
}

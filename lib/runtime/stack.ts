const { apply } = Reflect
/** 4 KiB: more than the functions of Node need that start a timer or add a listener. */
const ROOM = Array<undefined>(512).fill(undefined)

function nothing(): void {}

/**
 * Throws a RangeError if the stack has less than 4 KiB left. Called before a change that a RangeError in its middle would
 * leave half made: a timer of Node that has started, but of which the caller has no object.
 */
export function needStack(): void {
  apply(nothing, undefined, ROOM)
}

import { littleEndian, put64 } from '../../struct'
import { checkInteger, outOfRange } from '../../errors/argument'
import type { Platform } from '../../platform'
import {
  checkList,
  checkObject,
  checkUint64,
  checkView,
  getInteger,
  padded,
  putInteger,
  type Codec,
} from './basic'

/** The type of a field of a struct. Its width is in the layout table. */
export type FieldType = 'int' | 'uint' | 'uint64' | 'bytes'
type Fields = Readonly<Record<string, FieldType>>
type ValueOf<F> = F extends 'uint64' ? bigint : F extends 'bytes' ? Buffer : number
type InputOf<F> = F extends 'uint64' ? bigint | number : F extends 'bytes' ? ArrayBufferView : number

/** The fields of a struct as read. The fields of `Later` are from newer kernels and may be absent. */
export type StructValue<Always extends Fields, Later extends Fields> = {
  [K in keyof Always]: ValueOf<Always[K]>
} & {
  [K in keyof Later]?: ValueOf<Later[K]>
}
/** The fields of a struct to set. The fields of `Later` may be absent, which means 0. */
export type StructInput<Always extends Fields, Later extends Fields> = {
  readonly [K in keyof Always]: InputOf<Always[K]>
} & { readonly [K in keyof Later]?: InputOf<Later[K]> | undefined }

/** Describes one field of a struct. */
export interface Row {
  readonly name: string
  readonly at: number
  readonly width: number
  readonly type: FieldType
  readonly optional: boolean
}

/** Writes the fields of an object. */
export function writeRows(rows: readonly Row[], target: Uint8Array, value: unknown, argument: string): void {
  const fields = checkObject(argument, value)
  for (const { name, at, width, type, optional } of rows) {
    const field = fields[name]
    const label = `${argument}.${name}`
    if (field === undefined && optional) continue
    if (type === 'uint64') {
      put64(target, at, checkUint64(label, field))
    } else if (type === 'bytes') {
      const view = checkView(label, field)
      if (view.length !== width) throw outOfRange(label, `exactly ${width} bytes long`, field)
      target.set(view, at)
    } else {
      const [min, max] =
        type === 'int' ? [-(2 ** (8 * width - 1)), 2 ** (8 * width - 1)] : [0, 2 ** (8 * width)]
      putInteger(target, at, width, checkInteger(label, field, min, max - 1))
    }
  }
}

/** Reads the fields. If the answer is too short for a later field, that field is absent. */
export function readRows(rows: readonly Row[], source: Uint8Array): Record<string, number | bigint | Buffer> {
  const result: Record<string, number | bigint | Buffer> = {}
  let whole = source
  let view: DataView | null = null // one for all fields: a DataView costs more than a read
  for (const { name, at, width, type, optional } of rows) {
    if (source.length < at + width) {
      if (optional) continue
      whole = padded(source, at + width)
      view = null
    }
    if (type === 'uint64') {
      view ??= new DataView(whole.buffer, whole.byteOffset)
      result[name] = view.getBigUint64(at, littleEndian)
    } else if (type === 'bytes') result[name] = Buffer.from(whole.subarray(at, at + width))
    else {
      const value = getInteger(whole, at, width)
      result[name] = type === 'int' && value >= 2 ** (8 * width - 1) ? value - 2 ** (8 * width) : value
    }
  }
  return result
}

/**
 * Returns the rows of a struct from the platform's layout table, or `null` if the platform does not have the
 * struct.
 */
export function layoutRows(
  platform: Platform,
  name: string,
  always: Fields,
  later: Fields = {},
): Row[] | null {
  const { layout } = platform
  if (layout[`sizeof_${name}`] === undefined) return null
  const row = ([field, type]: [string, FieldType], optional: boolean): Row[] => {
    const at = layout[`offsetof_${name}_${field}`]
    const width = layout[`sizeof_${name}_${field}`]
    // The headers of the build may be older than a later field.
    if (optional && at === undefined) return [] // uncovered: the layouts of both systems are complete
    if (at === undefined || width === undefined)
      // uncovered: the layouts of both systems are complete
      throw new Error(`the layout table for ${platform.os} lacks ${name}.${field}`)
    return [{ name: field, at, width, type, optional }]
  }
  return [
    ...Object.entries(always).flatMap(each => row(each, false)),
    ...Object.entries(later).flatMap(each => row(each, true)),
  ]
}

/** Caches a value for each platform, because it is costly to create. All contexts of a platform share its layout. */
export function perPlatform<T>(make: (platform: Platform) => T): (platform: Platform) => T {
  const made = new WeakMap<Platform['layout'], { value: T }>()
  return platform => {
    const { layout } = platform
    let entry = made.get(layout)
    if (entry === undefined) made.set(layout, (entry = { value: make(platform) }))
    return entry.value
  }
}

/**
 * Creates a codec of a struct in the layout table, with its C field names.
 *
 * @example struct('packet_mreq', { mr_ifindex: 'int', mr_type: 'uint' })
 */
// eslint-disable-next-line @typescript-eslint/no-generated-empty-object-type -- no later fields
export function struct<Always extends Fields, Later extends Fields = Record<never, never>>(
  name: string,
  always: Always,
  later?: Later,
): Codec<StructValue<Always, Later>, StructInput<Always, Later>> {
  const rowsOf = perPlatform(platform => layoutRows(platform, name, always, later))
  return {
    size: ({ layout }) => layout[`sizeof_${name}`],
    encode(platform, value, argument) {
      // uncovered: only on a system without this constant
      const target = new Uint8Array(platform.layout[`sizeof_${name}`] ?? 0)
      // uncovered: the layouts of both systems are complete
      writeRows(rowsOf(platform) ?? [], target, value, argument)
      return target
    },
    decode: (platform, bytes) => readRows(rowsOf(platform) ?? [], bytes) as StructValue<Always, Later>,
  }
}

/**
 * Returns the rows of consecutive fields, for structs that are newer than the headers. The kernel's ABI fixes the
 * offsets.
 */
export function rowsAt(
  start: number,
  width: number,
  type: FieldType,
  optional: boolean,
  names: string,
): Row[] {
  return names.split(' ').map((name, i) => ({ name, at: start + i * width, width, type, optional }))
}

/** Creates a codec of a struct of `size` bytes whose offsets are the same on every machine. */
export function fixedStruct<Value>(size: number, rows: readonly Row[]): Codec<Value> {
  return {
    size,
    encode(_platform, value, argument) {
      const target = new Uint8Array(size)
      writeRows(rows, target, value, argument)
      return target
    },
    decode: (_platform, bytes) => readRows(rows, bytes) as Value,
  }
}

/** Creates a codec of a list of consecutive structs. */
export function listOf<Get, Set>(
  codec: Codec<Get, Set>,
  stride: number,
  max: number,
): Codec<Get[], readonly Set[]> {
  return {
    size: stride * max,
    encode(platform, value, argument) {
      const list = checkList(argument, value) as readonly Set[]
      return Buffer.concat(list.map((each, i) => codec.encode(platform, each, `${argument}[${i}]`)))
    },
    decode: (platform, bytes) =>
      Array.from({ length: Math.floor(bytes.length / stride) }, (_, i) =>
        codec.decode(platform, bytes.subarray(i * stride, (i + 1) * stride)),
      ),
  }
}

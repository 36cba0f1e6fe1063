import assert from 'node:assert'
import { assert as check, property, type IProperty } from 'fast-check'
import * as fc from 'fast-check'

/*
 * Runs property tests. A failure prints the smallest value that fails, a seed and a path. To repeat the run, set
 * BSD_SOCKETS_SEED=<seed>; to repeat only that value, also set BSD_SOCKETS_PATH=<path>. BSD_SOCKETS_RUNS is the number
 * of values for each property.
 */
const { BSD_SOCKETS_SEED: seed, BSD_SOCKETS_RUNS: runs = '200', BSD_SOCKETS_PATH: path } = process.env

/** Tests a predicate with generated values. */
export function holds<T>(values: fc.Arbitrary<T>, predicate: (value: T) => void): void {
  const tried: IProperty<[T]> = property(values, predicate)
  const again = {
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
  }
  check(tried, { numRuns: Number(runs), ...again })
}

/** Bytes of any value, mostly few. */
export const anyBytes = fc.oneof(
  { weight: 3, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 700, size: 'max' }) },
)

/** Valid bytes with damage: cut short, with flipped bits, or with more bytes behind. */
export function spoiled(valid: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const damage = fc.record({
    bytes: valid,
    keep: fc.double({ min: 0, max: 1, noNaN: true }),
    flips: fc.array(fc.nat(1 << 16), { maxLength: 6 }),
    behind: fc.uint8Array({ maxLength: 12 }),
    how: fc.constantFrom('cut', 'flip', 'both', 'more'),
  })
  return damage.map(({ bytes, keep, flips, behind, how }) => {
    const cut = how === 'cut' || how === 'both'
    const kept = Uint8Array.from(cut ? bytes.slice(0, Math.floor(keep * bytes.length)) : bytes)
    if (how === 'more') return Uint8Array.from([...kept, ...behind])
    if (how !== 'cut' && kept.length > 0) {
      for (const bit of flips) kept[(bit >> 3) % kept.length]! ^= 1 << (bit & 7)
    }
    return kept
  })
}

const AROUND = 61 // odd, so that nothing is aligned

/**
 * Decodes the bytes within other memory, twice with different surroundings. The results must be equal, and the bytes
 * unchanged. Returns the result.
 */
export function decodesAlone<T>(bytes: Uint8Array, decode: (bytes: Buffer) => T): T {
  const [one, two] = [0x00, 0xff].map(surroundings => {
    const memory = Buffer.alloc(bytes.length + 2 * AROUND, surroundings)
    memory.set(bytes, AROUND)
    const result = decode(memory.subarray(AROUND, AROUND + bytes.length))
    const after = Buffer.from(memory.subarray(AROUND, AROUND + bytes.length))
    assert.deepStrictEqual(new Uint8Array(after), new Uint8Array(bytes), 'decoding wrote into its bytes')
    return result
  }) as [T, T]
  assert.deepStrictEqual(one, two, 'what is around the bytes was read')
  return one
}

const promised = ['ERR_INVALID_ARG_TYPE', 'ERR_OUT_OF_RANGE', 'ERR_INVALID_ADDRESS', 'ENOPROTOOPT']

/** Returns the result, or `undefined` if a documented error is thrown. */
export function orRefused<T>(make: () => T, codes: readonly string[] = promised): T | undefined {
  try {
    return make()
  } catch (error) {
    assert.ok(codes.includes(String((error as { code?: unknown }).code)), error as Error)
    return undefined
  }
}

/** Returns a view whose memory is detached. */
export function detached(size: number): Uint8Array {
  const view = new Uint8Array(size)
  structuredClone(view.buffer, { transfer: [view.buffer] })
  return view
}

export const u8 = fc.integer({ min: 0, max: 0xff })
export const u16 = fc.integer({ min: 0, max: 0xffff })
export const u32 = fc.integer({ min: 0, max: 0xffffffff })
export const i32 = fc.integer({ min: -0x80000000, max: 0x7fffffff })
export const positive32 = fc.integer({ min: 0, max: 0x7fffffff })
export const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
export const bytesOf = (size: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map(bytes => Buffer.from(bytes))
export const ipv4 = bytesOf(4).map(bytes => [...bytes].join('.'))

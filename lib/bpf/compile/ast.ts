import type { Token } from './tokens'

/** How an address, a port or a protocol of a primitive is meant. */
export interface Qualifiers {
  /** The name of a protocol, or `link`. */
  readonly protocol: string | undefined
  readonly direction: 'src' | 'dst' | 'either' | 'both' | undefined
  readonly type: 'host' | 'net' | 'port' | 'portrange' | 'proto' | undefined
}

/** An arithmetic expression. */
export type Arithmetic =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'len' }
  | { readonly kind: 'negative'; readonly of: Arithmetic }
  | { readonly kind: 'operation'; readonly op: Operator; readonly left: Arithmetic; readonly right: Arithmetic; readonly token: Token }
  | { readonly kind: 'load'; readonly protocol: Token; readonly offset: Arithmetic; readonly size: number } // prettier-ignore

export type Operator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>'
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>='

/** A condition as it is written. `token` is where it starts, for errors. */
export type Expression =
  | { readonly kind: 'chain'; readonly first: Expression; readonly rest: readonly Link<Expression>[] }
  | { readonly kind: 'not'; readonly of: Expression }
  | { readonly kind: 'relation'; readonly op: Comparison; readonly left: Arithmetic; readonly right: Arithmetic }
  | { readonly kind: 'identifier'; readonly token: Token; readonly mask: Token | undefined; readonly qualifiers: Qualifiers }
  | { readonly kind: 'protocol'; readonly token: Token }
  | { readonly kind: 'cast'; readonly token: Token; readonly protocol: Token | undefined }
  | { readonly kind: 'special'; readonly token: Token; readonly argument?: Token } // prettier-ignore

/** A member of a chain. `and` and `or` have the same precedence, and group from the left. */
export interface Link<T> {
  readonly op: 'and' | 'or'
  readonly condition: T
}

import { getSystemErrorMap } from 'node:util'
import { probes, type Probe } from './probes'
import { invalidType, outOfRange, type SocketError } from '../errors'
import { privileges, type Privilege } from './privileges'

/** The name of a feature that a kernel may lack. */
export type Feature = keyof typeof probes

/** Tells whether this process can use a feature on this kernel, and if not, what to do. */
export interface Capability {
  readonly feature: Feature
  readonly description: string
  readonly supported: boolean
  /** The error of the kernel: `socket EPERM: operation not permitted`. */
  readonly reason?: string
  /** How to get the feature: a privilege, a sysctl, a kernel module, or another kernel. */
  readonly remedy?: string
}

const names = Object.keys(probes) as Feature[]
const known = new Map<Feature, Capability>()

/**
 * Returns true if this process can use a feature on this kernel: `supports('gso')`.
 *
 * The first call for a feature makes the real system call on a temporary socket. The result is remembered, so drop
 * privileges before you call it. A failure for a lack of descriptors or memory is not remembered. The kernel may load
 * the module of an address family. Throws a `RangeError` that lists all names if `feature` is not one of them.
 */
export function supports(feature: Feature): boolean {
  if (typeof feature !== 'string') throw invalidType('feature', 'string', feature)
  if (!Object.hasOwn(probes, feature)) throw outOfRange('feature', `one of ${names.join(', ')}`, feature)
  return capability(feature).supported
}

/** Returns one entry for each feature of `supports`, with the reason and the remedy if it is missing. */
export function capabilities(): readonly Capability[] {
  return Object.freeze(names.map(capability))
}

/** Errors for a temporary lack of resources. They tell nothing about the kernel. */
const PASSING = ['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EAGAIN']

function capability(feature: Feature): Capability {
  return known.get(feature) ?? ask(feature)
}

function ask(feature: Feature): Capability {
  const probe: Probe = probes[feature]
  const answer = (capability: Capability, passing = false): Capability => {
    if (!passing) known.set(feature, capability)
    return Object.freeze(capability)
  }
  const { description } = probe
  try {
    probe.attempt()
    return answer({ feature, description, supported: true })
  } catch (error) {
    const { code } = error as SocketError
    const passing = PASSING.includes(code)
    const remedy = passing ? '' : remedyFor(probe, code)
    const reason = reasonOf(error as SocketError)
    return answer(
      { feature, description, supported: false, reason, ...(remedy === '' ? {} : { remedy }) },
      passing,
    )
  }
}

/** Returns the description of the errno. Advice is in the remedy. */
function reasonOf({ code, errno, syscall, message }: SocketError): string {
  const text = getSystemErrorMap().get(errno ?? 0)?.[1]
  return text === undefined || code === 'ENOSYS' ? message : `${syscall} ${code}: ${text}`
}

const DENIED = ['EPERM', 'EACCES']
const NO_MODULE = ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'ENOENT']

/** Returns how to get a feature whose probe failed with `code`. */
function remedyFor(probe: Probe, code: string): string {
  const { privilege, module, sysctl, kernel } = probe
  if (DENIED.includes(code) && privilege !== undefined) return grant(privilege)
  // uncovered: the other branch is for another system
  if (process.platform === 'darwin') return 'not on macOS'
  if (NO_MODULE.includes(code) && module !== undefined) return `sudo modprobe ${module}`
  if (NO_MODULE.includes(code) && kernel !== undefined) return `needs ${kernel}`
  if (sysctl !== undefined) return `sudo sysctl ${sysctl}`
  return kernel === undefined ? '' : `needs ${kernel}`
}

function grant(privilege: Privilege): string {
  // uncovered: the other branch is for another system
  if (process.platform === 'darwin') return 'run it as root (sudo)'
  if (privileges()[privilege]) {
    return `${privilege} is present but has no effect here: another user namespace owns the network, or a seccomp filter refuses the call (see the options of the container)`
  }
  return `${privilege}: sudo, or setcap ${privilege.toLowerCase()}+ep on a copy of ${process.execPath}`
}

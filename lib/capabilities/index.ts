import { getSystemErrorMap } from 'node:util'
import { probes, type Probe } from './probes'
import { invalidType, outOfRange, type SocketError } from '../errors'
import { privileges, type Privilege } from './privileges'

/** What a kernel may have or lack. */
export type Feature = keyof typeof probes

/** Whether this process can use a feature on this kernel, and what to do where it cannot. */
export interface Capability {
  readonly feature: Feature
  readonly description: string
  readonly supported: boolean
  /** What the kernel said: `socket EPERM: operation not permitted`. */
  readonly reason?: string
  /** How to get it: a privilege, a sysctl, a kernel module, another kernel. */
  readonly remedy?: string
}

const names = Object.keys(probes) as Feature[]
const known = new Map<Feature, Capability>()

/**
 * Whether this kernel lets this process use a feature: `supports('gso')`. The first question for each makes
 * the real call on a socket of its own and closes it again; the answer is remembered, so ask after
 * privileges were dropped. (One for want of descriptors or memory is not: the next question asks again.) As any use does, it may make the kernel load the module of an address family.
 * `RangeError` with all names for one that is none.
 */
export function supports(feature: Feature): boolean {
  if (typeof feature !== 'string') throw invalidType('feature', 'string', feature)
  if (!Object.hasOwn(probes, feature)) throw outOfRange('feature', `one of ${names.join(', ')}`, feature)
  return capability(feature).supported
}

/** All that `supports` can tell, one entry for each feature, with what is missing and how to get it. */
export function capabilities(): readonly Capability[] {
  return Object.freeze(names.map(capability))
}

/** Refusals for want of room, which say nothing about the kernel and may be over soon. */
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

/** The errno in words; advice is the remedy's. */
function reasonOf({ code, errno, syscall, message }: SocketError): string {
  const text = getSystemErrorMap().get(errno ?? 0)?.[1]
  return text === undefined || code === 'ENOSYS' ? message : `${syscall} ${code}: ${text}`
}

const DENIED = ['EPERM', 'EACCES']
const NO_MODULE = ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'ENOENT']

/** How to get what a probe was refused with a code. */
function remedyFor(probe: Probe, code: string): string {
  const { privilege, module, sysctl, kernel } = probe
  if (DENIED.includes(code) && privilege !== undefined) return grant(privilege)
  if (process.platform === 'darwin') return 'not on macOS'
  if (NO_MODULE.includes(code) && module !== undefined) return `sudo modprobe ${module}`
  if (NO_MODULE.includes(code) && kernel !== undefined) return `needs ${kernel}`
  if (sysctl !== undefined) return `sudo sysctl ${sysctl}`
  return kernel === undefined ? '' : `needs ${kernel}`
}

function grant(privilege: Privilege): string {
  if (process.platform === 'darwin') return 'run it as root (sudo)'
  if (privileges()[privilege]) {
    return `${privilege} is there, but not where it counts: another user namespace owns the network, or a seccomp filter refuses the call (see the options of the container)`
  }
  return `${privilege}: sudo, or setcap ${privilege.toLowerCase()}+ep on a copy of ${process.execPath}`
}

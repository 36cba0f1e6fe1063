// Addresses as Python writes them, and as this package does.
import { constants } from 'bsd-sockets'
import { bytes, name, tuple } from './codec.mjs'

const fields = {
  [constants.AF_INET6]: ['address', 'port', 'flowinfo', 'scopeId'],
  [constants.AF_NETLINK]: ['pid', 'groups'],
  [constants.AF_PACKET]: ['interface', 'protocol', 'packetType', 'hardwareType', 'hardwareAddress'],
  [constants.AF_VSOCK]: ['cid', 'port'],
}

/** Returns what bind, connect and sendto take. Python resolves host names there. */
export async function fromPython(sockets, address, family) {
  if (!Array.isArray(address)) return address
  const names = fields[family]
  if (names === undefined && family !== constants.AF_INET) return { family, data: address[0] }
  const like = names === undefined ? address : Object.fromEntries(address.map((each, i) => [names[i], each]))
  if (family !== constants.AF_INET && family !== constants.AF_INET6) return like
  const host = address[0]
  if (host === '' || host === '<broadcast>' || isNumeric(sockets, family, host)) return like
  const [first] = await sockets.getaddrinfo(host, null, { family })
  return family === constants.AF_INET
    ? [first.address.address, address[1]]
    : { ...like, address: first.address.address }
}

function isNumeric(sockets, family, host) {
  try {
    return sockets.inet_pton(family, host.split('%')[0]) !== null
  } catch {
    return false
  }
}

/** Returns an address as Python writes it. */
export function toPython(address) {
  if (address === null) return null
  switch (address.kind) {
    case 'inet':
      return tuple(address.address, address.port)
    case 'inet6':
      return tuple(address.address, address.port, address.flowinfo, address.scopeId)
    case 'unix':
      return name(address.pathBytes)
    case 'abstract':
      return bytes(address.pathBytes)
    case 'unnamed':
      return ''
    case 'netlink':
      return tuple(address.pid, address.groups)
    case 'vsock':
      return tuple(address.cid, address.port)
    case 'packet': {
      const hardware = Buffer.from(address.hardwareAddress.replaceAll(':', ''), 'hex')
      const { protocol, packetType, hardwareType } = address
      return tuple(address.interface ?? '', protocol, packetType, hardwareType, bytes(hardware))
    }
    default:
      return tuple(address.family ?? 0, bytes(address.bytes))
  }
}

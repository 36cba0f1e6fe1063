// The calls of Python's module, made with this package. Both flavours: `await` takes values and promises.
import { constants } from 'bsd-sockets'
import { fromPython, toPython } from './addresses.mjs'
import { bytes, tuple } from './codec.mjs'

const { SCM_RIGHTS, SOL_SOCKET } = constants
const NO_FILE = 0x3fffffff // poll(2) reports POLLNVAL

/**
 * Returns the calls on a socket. `sockets` is the package or `bsd-sockets/sync`. `op` has flags and timeout. `give` returns
 * what a reply has in place of a descriptor.
 */
export function methods(sockets, give) {
  const destination = (socket, address) => fromPython(sockets, address, socket.family)
  const received = ({ data, address }) => tuple(bytes(data), toPython(address))
  return {
    setBlocking: (socket, op, on) => socket.setBlocking(on),
    bind: async (socket, op, address) => void socket.bind(await destination(socket, address)),
    listen: (socket, op, backlog) => void (backlog === null ? socket.listen() : socket.listen(backlog)),
    connect: async (socket, op, address) => socket.connect(await destination(socket, address), op),
    connectEx: async (socket, op, address) => socket.connectEx(await destination(socket, address), op),
    getsockname: socket => toPython(socket.getsockname()),
    getpeername: socket => toPython(socket.getpeername()),
    shutdown: (socket, op, how) => socket.shutdown(how),
    getsockopt: (socket, op, level, option) => socket.getsockopt(level, option),
    getsockoptBytes: (socket, op, level, option, size) => bytes(socket.getsockopt(level, option, size)),
    setsockopt: (socket, op, ...args) => socket.setsockopt(...args),
    recv: async (socket, op, size) => bytes(await socket.recv(size, op)),
    recvInto: async (socket, op, size) => {
      const buffer = Buffer.alloc(size)
      return bytes(buffer.subarray(0, await socket.recvInto(buffer, op)))
    },
    recvfrom: async (socket, op, size) => received(await socket.recvfrom(size, op)),
    recvfromInto: async (socket, op, size) => {
      const buffer = Buffer.alloc(size)
      const { bytes: length, address } = await socket.recvfromInto(buffer, op)
      return received({ data: buffer.subarray(0, length), address })
    },
    recvmsg: async (socket, op, sizes, controlSize) => {
      const buffers = sizes.map(size => Buffer.alloc(size))
      const message = await socket.recvmsg(buffers, { ...op, controlSize, fds: 'receive' })
      const control = message.control.map(each => tuple(each.level, each.type, bytes(each.data)))
      const { fds = [] } = message.meta
      if (fds.length > 0) control.push(tuple(SOL_SOCKET, SCM_RIGHTS, fds.map(give)))
      const data = bytes(Buffer.concat(buffers).subarray(0, Math.min(message.bytes, sum(sizes))))
      return tuple(data, control, message.flags, toPython(message.address))
    },
    send: (socket, op, data) => socket.send(data, op),
    sendAll: async (socket, op, data) => void (await socket.sendAll(data, op)),
    sendto: async (socket, op, data, address) => socket.sendto(data, await destination(socket, address), op),
    sendmsg: async (socket, op, data, control, address) =>
      socket.sendmsg(
        { data, control: control.map(outgoing), address: await destination(socket, address) },
        op,
      ),
  }

  function outgoing([level, type, data]) {
    if (!Array.isArray(data)) return { level, type, data }
    const [files, rest] = data
    if (rest.length === 0) return sockets.control.rights(files)
    const numbers = Buffer.from(Int32Array.from(files, each => each.fd).buffer)
    return { level, type, data: Buffer.concat([numbers, rest]) }
  }
}

const sum = numbers => numbers.reduce((a, b) => a + b, 0)

/** Returns the functions of the module: lookups and bytes. */
export function functions(sockets) {
  const host = ({ name, aliases, addresses }) => tuple(name, aliases, addresses)
  return {
    constants: names => Object.fromEntries(names.map(name => [name, constants[name]])),
    poll: async (entries, timeout) => {
      const asked = entries.map(([file, events], place) => ({ fd: file?.fd ?? NO_FILE, events, place }))
      const ready = await sockets.poll(asked, timeout)
      return ready.map(({ place, revents }) => tuple(place, revents))
    },
    select: async (...args) => {
      const lists = args.slice(0, 3).map(list => list.map(file => file ?? NO_FILE))
      const ready = await sockets.select(...lists, args[3])
      return ready.map((found, i) => found.map(file => lists[i].indexOf(file)))
    },
    sendfile: async (to, file, offset, length, waits) => {
      const socket = sockets.Socket.adopt(to.release())
      try {
        return await socket.sendfile(file, { offset, length, timeout: waits ? null : 0 })
      } catch (error) {
        if (error.code !== 'EAGAIN' || error.bytesSent === 0) throw error
        return error.bytesSent
      } finally {
        if (waits) socket.setBlocking(true)
        socket.close()
      }
    },
    hasIpv6: () => sockets.supports('ipv6'),
    getaddrinfo: async (node, service, family, type, protocol, flags) => {
      const found = await sockets.getaddrinfo(node, service, { family, type, protocol, flags })
      return found.map(each =>
        tuple(each.family, each.type, each.protocol, each.canonname, toPython(each.address)),
      )
    },
    getnameinfo: async ([address, port, flowinfo = 0, scopeId = 0], flags) => {
      const found = await sockets.getnameinfo({ address, port, flowinfo, scopeId }, { flags })
      return tuple(found.host, found.service)
    },
    gethostbyname: async name => sockets.gethostbyname(name),
    gethostbynameEx: async name => host(await sockets.gethostbynameEx(name)),
    gethostbyaddr: async name => host(await sockets.gethostbyaddr(name)),
    gethostname: () => sockets.gethostname(),
    sethostname: name => sockets.sethostname(name),
    getservbyname: async (...args) => sockets.getservbyname(...args),
    getservbyport: async (...args) => sockets.getservbyport(...args),
    getprotobyname: async name => sockets.getprotobyname(name),
    ifNameindex: () => sockets.if_nameindex().map(({ index, name }) => tuple(index, name)),
    ifNametoindex: name => sockets.if_nametoindex(name),
    ifIndextoname: index => sockets.if_indextoname(index),
    htons: n => sockets.htons(n),
    ntohs: n => sockets.ntohs(n),
    htonl: n => sockets.htonl(n),
    ntohl: n => sockets.ntohl(n),
    inetAton: text => bytes(sockets.inet_aton(text)),
    inetNtoa: packed => sockets.inet_ntoa(packed),
    inetPton: (family, text) => bytes(sockets.inet_pton(family, text)),
    inetNtop: (family, packed) => sockets.inet_ntop(family, packed),
    cmsgLen: size => sockets.CMSG_LEN(size),
    cmsgSpace: size => sockets.CMSG_SPACE(size),
  }
}

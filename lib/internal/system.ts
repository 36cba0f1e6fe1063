/** Throws unless this is the system that an entry point was made for. */
export function requireSystem(os: 'linux' | 'darwin'): void {
  if (process.platform === os) return
  throw Object.assign(
    new Error(
      `bsd-sockets/${os} holds what exists on ${os} only; this is ${process.platform}. Import it behind a check of process.platform.`,
    ),
    { code: 'ERR_UNSUPPORTED_PLATFORM' },
  )
}

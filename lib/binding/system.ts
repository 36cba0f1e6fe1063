/** Throws if the process does not run on the system that an entry point is for. */
export function requireSystem(os: 'linux' | 'darwin'): void {
  if (process.platform === os) return // uncovered: only on another system
  throw Object.assign(
    new Error(
      `bsd-sockets/${os} holds what exists on ${os} only; this is ${process.platform}. Import it behind a check of process.platform.`,
    ),
    { code: 'ERR_UNSUPPORTED_PLATFORM' },
  )
}

/** Returns the C library of this process, as the names of prebuilt binaries spell it. */
export function libc(): string {
  if (process.platform !== 'linux') return 'system libc' // uncovered: the other branch is for another system
  const report = process.report.getReport() as { header?: { glibcVersionRuntime?: string } }
  const version = report.header?.glibcVersionRuntime
  // uncovered: only on a system without this constant
  return version === undefined ? 'musl' : `glibc ${version}`
}

import { missing, testIf } from '../helpers/need'
import { poll, POLLNVAL, select } from '../../lib'
import { runPython } from '../helpers/child'
import { failure } from '../helpers/errors'

/*
 * Cases that CPython's socket module handles and a thin binding easily misses, and faults that CPython's module has. A
 * test for such a fault names its row in docs/python-parity.md. If Python can show the fault at once, the test also
 * runs Python: when Python repairs it, the test fails and the page can be updated.
 */
const python = missing.linux() ?? missing.python()

// D10 in docs/python-parity.md.
testIf(
  python,
  'select fails with EBADF for a descriptor that is not open, and poll reports POLLNVAL',
  async () => {
    const script = `import select; print(select.select([1001], [], [], 0))`
    expect(await runPython(script)).toBe('([1001], [], [])\n')
    expect((await failure(select([1001], [], [], 0))).code).toBe('EBADF')
    expect(await poll([{ fd: 1001 }], 0)).toMatchObject([{ revents: POLLNVAL }])
    expect((await failure(select([100_000], [], [], 0))).code).toBe('EBADF') // descriptor numbers above 1024 are valid
  },
)

// The tests of CPython 3.11 that fail over the bridge, each with its reason. A listed test that passes is an error.

/** Tests that fail. With `flavour` they fail in that flavour only. */
export const expected = []

/** Tests that are not run. */
export const leftOut = [
  {
    reason: 'AF_VSOCK has no network namespace: the connection would leave it',
    tests: ['test_socket.ThreadedVSOCKSocketStreamTest.testStream'],
  },
]

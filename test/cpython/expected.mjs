// The tests of CPython 3.11 that fail over the bridge, each with its reason. A listed test that passes is an error.

/** Tests that fail. With `flavour` they fail in that flavour only. */
export const expected = [
  {
    reason: 'counts references to an object, which the exception of a function in Python holds',
    tests: ['test_socket.GeneralModuleTests.testRefCountGetNameInfo'],
  },
  {
    reason: 'a class of Python can be instantiated; CPython makes poll objects in C',
    tests: ['test_select.SelectTestCase.test_disallow_instantiation'],
  },
  {
    reason: 'closes the number of the descriptor, which in Python is a duplicate of the one that Node has',
    tests: ['test_socket.GeneralModuleTests.test_socket_close'],
  },
  {
    reason:
      'CMSG_SPACE(0x7fffffe8) fits into an int, and is returned. CPython refuses the last 8 sizes that fit',
    tests: ['test_socket.CmsgMacroTests.testCMSG_SPACE'],
  },
  {
    reason: 'polls 1,000 descriptors; SCM_RIGHTS carries 253 to Node',
    tests: ['test_selectors.PollSelectorTestCase.test_above_fd_setsize'],
  },
]

/** Tests that are not run. */
export const leftOut = [
  {
    reason: 'AF_VSOCK has no network namespace: the connection would leave it',
    tests: ['test_socket.ThreadedVSOCKSocketStreamTest.testStream'],
  },
]

import { strerror } from '../../../lib'
import { errnoMessages, errnoNames } from '../../../lib/errors/errno.gen'
import { os } from '../../../lib/errors/errno'

test('strerror gives the text of a positive and of a negative number', () => {
  for (const [number, text] of errnoMessages[os]) {
    expect(strerror(number)).toBe(text)
    expect(strerror(-number)).toBe(text)
  }
  expect(errnoNames[os].size).toBeGreaterThan(80)
})

test('strerror of 0 and of a number without a name', () => {
  expect(strerror(0)).toBe('Success')
  expect(strerror(-4711)).toBe('Unknown error 4711')
})

test.each([[1.5], [NaN], [2 ** 31], ['111'], [null], [undefined]])('strerror refuses %p', value => {
  expect(() => strerror(value as number)).toThrow(
    expect.objectContaining({ code: expect.stringMatching(/^ERR_/) }),
  )
})

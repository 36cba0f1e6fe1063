/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
  setupFilesAfterEnv: ['<rootDir>/test/helpers/setup.ts'],
  reporters: ['default', '<rootDir>/test/helpers/closing-line.js'],
  testTimeout: 20000,
}

// Under npm run coverage, a jest that a test starts is counted too. Each jest writes into its own folder.
const folder = process.env.BSD_SOCKETS_COVERAGE
const coverage = folder && {
  collectCoverage: true,
  coverageProvider: 'babel',
  collectCoverageFrom: ['lib/**/*.ts'],
  coverageReporters: ['json'],
  coverageDirectory: `${folder}/jest-${process.pid}`,
}

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json' }] },
  setupFilesAfterEnv: ['<rootDir>/test/helpers/setup.ts'],
  reporters: ['default', '<rootDir>/test/helpers/closing-line.js'],
  testTimeout: 20000,
  ...coverage,
}

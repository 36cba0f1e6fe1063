'use strict'

// Prints the skipped tests with their reasons, and one plain closing line that a script can read.
class ClosingLine {
  onRunComplete(_contexts, results) {
    const skipped = results.testResults
      .flatMap(file => file.testResults)
      .filter(test => test.status === 'pending')
    for (const test of skipped) process.stdout.write(`skipped: ${test.fullName}\n`)
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites
    const tail = results.numPendingTests > 0 ? `, ${results.numPendingTests} skipped` : ''
    process.stdout.write(`${results.numPassedTests} passed, ${failed} failed${tail}\n`)
  }
}

module.exports = ClosingLine

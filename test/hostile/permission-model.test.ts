import { mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { ensureDist, root, run, type Ended } from '../helpers/child'
import { missing, testIf } from '../helpers/need'
import { withPath } from '../helpers/pairs'

const model = process.allowedNodeEnvironmentFlags.has('--permission')
  ? '--permission'
  : '--experimental-permission'

const elsewhere =
  process.env['BSD_SOCKETS_PREBUILD'] === undefined
    ? null
    : 'BSD_SOCKETS_PREBUILD: the addon is in another folder'

/** Loads the package in a process with the flags. Prints the outcome. */
async function load(...flags: string[]): Promise<Ended> {
  ensureDist()
  const script = `
    try {
      const { Socket } = require(${JSON.stringify(path.join(root, 'dist'))})
      for (const socket of Socket.pair()) socket.close()
      console.log('loaded')
    } catch (error) {
      console.log(error.code + ' ' + error.message)
    }`
  return run(process.execPath, ['--no-warnings', ...flags, '-e', script])
}

test('without --allow-addons the error of the import names the flag and does not advise to compile', async () => {
  const { stdout } = await load(model, '--allow-fs-read=*')
  expect(stdout).toMatch(/^ERR_ACCESS_DENIED /)
  expect(stdout).toContain('--allow-addons')
  expect(stdout).not.toMatch(/compiler|node-gyp rebuild/)
})

test('with --no-addons the error of the import names the flag', async () => {
  const { stdout } = await load('--no-addons')
  expect(stdout).toMatch(/^ERR_ACCESS_DENIED .*--no-addons/)
})

testIf(
  missing.linux() ?? elsewhere,
  'the error for a file that may not be read names the flag to add, and with all flags the package loads',
  async () => {
    const reading = `--allow-fs-read=${root}/*`
    const denied = await load(model, '--allow-addons', reading)
    const modules = `--allow-fs-read=${realpathSync(path.join(root, 'node_modules/node-gyp-build'))}/*`
    const flags = [model, '--allow-addons', reading, '--allow-fs-read=/etc/alpine-release', modules]
    if (!denied.stdout.startsWith('loaded')) {
      expect(denied.stdout).toContain('--allow-fs-read=/etc/alpine-release')
      expect(denied.stdout).toContain(reading)
    }
    expect(await load(...flags)).toMatchObject({ stdout: 'loaded\n', stderr: '' })
  },
)

testIf(elsewhere, 'without the permission model a missing binary fails with ERR_NO_BINARY', () =>
  withPath(async folder => {
    // Only dist/ and node_modules/, as after an installation for another platform.
    mkdirSync(folder)
    for (const name of ['dist', 'node_modules', 'package.json'])
      symlinkSync(path.join(root, name), path.join(folder, name))
    const script = `try { require('./dist') } catch (error) { console.log(error.code) }`
    const ended = await run(process.execPath, [
      '--preserve-symlinks',
      '--preserve-symlinks-main',
      '-e',
      `process.chdir(${JSON.stringify(folder)}); ${script.replace('./dist', path.join(folder, 'dist'))}`,
    ])
    expect(ended.stdout).toBe('ERR_NO_BINARY\n')
  }),
)

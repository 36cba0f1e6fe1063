import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Makes a key and a certificate for `localhost` with openssl, in `<file>.key` and `<file>.crt`. */
export function makeCertificate(file: string): { key: Buffer; cert: Buffer } {
  const made = spawnSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
      .concat(['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'])
      .concat(['-keyout', `${file}.key`, '-out', `${file}.crt`]),
    { encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`)
  return { key: readFileSync(`${file}.key`), cert: readFileSync(`${file}.crt`) }
}

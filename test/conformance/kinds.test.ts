import { kinds } from '../helpers/pairs'
import { conformance } from './suite'

for (const kind of kinds) {
  if (kind.missing === null) describe(kind.name, () => conformance(kind))
  else test.skip(`${kind.name} [${kind.missing}]`, () => undefined)
}

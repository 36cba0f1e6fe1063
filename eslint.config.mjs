// Type-aware rules apply to lib/ and test/, plain rules to scripts, benchmarks and examples.
// No rule is about layout, because prettier formats the code (npm run format).
import tseslint from 'typescript-eslint'

const script = {
  'array-callback-return': 'error',
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-case-declarations': 'error',
  'no-constant-condition': ['error', { checkLoops: false }],
  'no-constructor-return': 'error',
  'no-control-regex': 'error',
  'no-dupe-keys': 'error',
  'no-duplicate-case': 'error',
  'no-else-return': 'error',
  'no-empty': 'error',
  'no-eval': 'error',
  'no-fallthrough': 'error',
  'no-irregular-whitespace': 'error',
  'no-lonely-if': 'error',
  'no-loss-of-precision': 'error',
  'no-self-assign': 'error',
  'no-self-compare': 'error',
  'no-template-curly-in-string': 'error',
  'no-unneeded-ternary': 'error',
  'no-unreachable': 'error',
  'no-unreachable-loop': 'error',
  'no-unsafe-finally': 'error',
  'no-useless-catch': 'error',
  'no-useless-rename': 'error',
  'no-var': 'error',
  'object-shorthand': 'error',
  'prefer-const': 'error',
  'prefer-exponentiation-operator': 'error',
  'prefer-object-spread': 'error',
  'prefer-rest-params': 'error',
  'prefer-spread': 'error',
  'require-yield': 'error',
  'use-isnan': 'error',
  'valid-typeof': 'error',
}

const unused = [
  'error',
  { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', ignoreRestSiblings: true },
]

// The globals that a Node script may use without an import.
const node = Object.fromEntries(
  [
    'AbortController', 'AbortSignal', 'Atomics', 'Buffer', 'FinalizationRegistry', 'SharedArrayBuffer', 'TextDecoder',
    'TextEncoder', 'URL', 'WeakRef', 'clearImmediate', 'clearInterval', 'clearTimeout', 'console', 'fetch', 'gc',
    'globalThis', 'performance', 'process', 'queueMicrotask', 'setImmediate', 'setInterval', 'setTimeout',
    'structuredClone',
  ].map(name => [name, 'readonly']),
) // prettier-ignore

const noPush = {
  selector:
    'CallExpression[callee.property.name="push"]:matches([callee.object.type="Identifier"], [callee.object.type="MemberExpression"])',
  message: 'push calls setters that other code put on Array.prototype: use append of runtime/list.',
}

/** What runs an iterator. */
const noIterators = [
  ':function ForOfStatement',
  ':function VariableDeclarator > ArrayPattern',
  ':function CallExpression > SpreadElement',
  ':function ArrayExpression > SpreadElement',
].map(selector => ({
  selector,
  message:
    'Other code may have changed the iterators: use an index, or forEach of a SafeMap or SafeSet (runtime/collections).',
}))

export default tseslint.config(
  {
    ignores: ['build/', 'dist/', 'prebuilds/', 'coverage/', 'docs/api/', '**/*.gen.ts'],
  },
  {
    linterOptions: { reportUnusedDisableDirectives: 'error' },
  },
  {
    files: ['lib/**/*.ts', 'test/**/*.ts', 'bench/**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      ...script,
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-import-type-side-effects': 'error',
      '@typescript-eslint/no-unused-vars': unused,
      '@typescript-eslint/promise-function-async': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Sockets have many numbers, and template literals with numbers are readable.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // Callbacks are written as `=> void` around a call of a void function.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Needed for typed arrays and tables under noUncheckedIndexedAccess, and for constants that exist on this system.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Arguments are checked at run time, because JavaScript callers may ignore the types.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // The result type parameter of an operation exists only for its caller.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // A caught error is passed on unchanged.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/no-unnecessary-type-assertion': ['error', { typesToIgnore: ['Error'] }],
      // Loops over lists that must survive changed iterators use an index.
      '@typescript-eslint/prefer-for-of': 'off',
      // A constructor that only calls super() has a reason: see BaseAddress.
      '@typescript-eslint/no-useless-constructor': 'off',
      // Style: table['AF_INET'], get accessors, and methods that do nothing on purpose.
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    // Test tools replace the global timers and clocks, and the sockets must not stop then.
    files: ['lib/**/*.ts'],
    ignores: ['lib/runtime/clock.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'clearTimeout', 'setImmediate', 'queueMicrotask', 'performance', 'Date'].map(
          name => ({
            name,
            message: 'Import it from lib/runtime/clock.ts.',
          }),
        ),
      ],
    },
  },
  {
    // The compiler of filters holds only text and numbers.
    files: ['lib/**/*.ts'],
    ignores: ['lib/bpf/**'],
    rules: {
      'no-restricted-syntax': ['error', noPush],
    },
  },
  {
    // A lost record or descriptor has no caller that could see the error.
    files: [
      'lib/reactor/**/*.ts',
      'lib/message/receive-control.ts',
      'lib/message/leftover.ts',
      'lib/runtime/context.ts',
    ],
    rules: { 'no-restricted-syntax': ['error', noPush, ...noIterators] },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // Tests pass values that the types forbid, to reach the run-time check.
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/use-unknown-in-catch-callback-variable': 'off',
      '@typescript-eslint/no-misused-spread': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    // These files are compiled and never run. Their values exist only for the types.
    files: ['test/types/**/*.types.ts'],
    rules: {
      '@typescript-eslint/no-meaningless-void-operator': 'off',
      '@typescript-eslint/no-unused-vars': 'off',
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: { ecmaVersion: 2024, globals: node },
    plugins: { '@typescript-eslint': tseslint.plugin },
    rules: { ...script, 'no-undef': 'error', '@typescript-eslint/no-unused-vars': unused },
  },
  {
    // These files are run by Bun.
    files: ['bench/**/*-bun.mjs'],
    languageOptions: { globals: { Bun: 'readonly', Response: 'readonly' } },
  },
  {
    files: ['**/*.{js,cjs}'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: {
        __dirname: 'readonly',
        __filename: 'readonly',
        afterAll: 'readonly',
        expect: 'readonly',
        test: 'readonly',
      },
    },
  },
)

// Type-aware rules for lib/ and test/, plain ones for scripts, benchmarks and examples.
// Layout is prettier's business (npm run format); no rule here is about it.
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

// What a script of Node may use without importing it.
const node = Object.fromEntries(
  [
    'AbortController', 'AbortSignal', 'Atomics', 'Buffer', 'FinalizationRegistry', 'SharedArrayBuffer', 'TextDecoder',
    'TextEncoder', 'URL', 'WeakRef', 'clearImmediate', 'clearInterval', 'clearTimeout', 'console', 'fetch', 'gc',
    'globalThis', 'performance', 'process', 'queueMicrotask', 'setImmediate', 'setInterval', 'setTimeout',
    'structuredClone',
  ].map(name => [name, 'readonly']),
) // prettier-ignore

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
      // Numbers are what an addon speaks; in a template they read well.
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      // `=> void` around a call of a void function is how callbacks are written here.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // Typed arrays and tables under noUncheckedIndexedAccess; constants that this system has.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // Arguments are checked at run time, whatever their types promise.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // The result type of an operation is in its class only for its caller.
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      // What was caught goes on as it is.
      '@typescript-eslint/prefer-promise-reject-errors': ['error', { allowThrowingUnknown: true }],
      '@typescript-eslint/no-unnecessary-type-assertion': ['error', { typesToIgnore: ['Error'] }],
      // Taste: table['AF_INET'], get accessors, methods that do nothing on purpose.
      '@typescript-eslint/class-literal-property-style': 'off',
      '@typescript-eslint/dot-notation': 'off',
      '@typescript-eslint/no-empty-function': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // A test passes what the types forbid, to see the run-time check.
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
    // Compiled and never run: values are there for their types.
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
    // Run by Bun.
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

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** Imports go down only: bin -> lib -> lambda/contract; local-aws knows neither of them, nothing imports test. */
const layer = (folder, regex) => ({
  files: [`${folder}/**/*.ts`],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [{ regex, message: 'Imports go down only; see "How the code is laid out" in CONTRIBUTING.' }],
      },
    ],
  },
});

export default tseslint.config(
  { ignores: ['dist', '**/cdk.out', 'coverage', '**/node_modules'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    // One program of one tsconfig.json: takes a fifth less than the project service, which is made for editors.
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      // An async function turns what it throws into a rejection: reason enough without an await.
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-console': 'error',
      'no-duplicate-imports': 'error',
    },
  },
  layer('lib', String.raw`/(bin|local-aws|test)(/|$)|/lambda(/(?!contract$)|$)|^@aws-sdk/|^@smithy/`),
  layer('lambda', String.raw`/(lib|bin|local-aws|test)$|\.\./(lib|bin|local-aws|test)/|^(aws-cdk-lib|constructs)(/|$)`),
  layer('local-aws', String.raw`\.\./(lib|bin|test)(/|$)|/lambda/contract$|^aws-cdk-lib(/|$)`),
  layer('examples', String.raw`^\.`),
  layer('bin', String.raw`^(\.\./)+(lambda(/(?!contract$)|$)|test(/|$))`),
  layer('scripts', String.raw`^(\.\./)+(lambda(/(?!contract$)|$)|test(/|$))`),
  { files: ['lambda/contract.ts'], rules: { 'no-restricted-imports': ['error', { patterns: ['*'] }] } },
  { files: ['**/*.mjs', '**/*.mts'], extends: [tseslint.configs.disableTypeChecked] },
  {
    files: ['local-aws/lambda/runtime.mjs'],
    // What the runtime writes to its console is the function's log.
    rules: { 'no-console': 'off' },
    languageOptions: {
      globals: {
        process: 'readonly',
        fetch: 'readonly',
        Buffer: 'readonly',
        setTimeout: 'readonly',
        console: 'readonly',
      },
    },
  },
);

import js from '@eslint/js';
import tseslint from 'typescript-eslint';

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
  { files: ['**/*.mjs', '**/*.mts', '**/*.cjs'], extends: [tseslint.configs.disableTypeChecked] },
  { files: ['.dependency-cruiser.cjs'], languageOptions: { globals: { module: 'readonly' } } },
  {
    files: ['local-aws/src/lambda/runtime.mjs'],
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

import js from '@eslint/js';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/** Imports go one way only; what a folder may not reach is listed under it. */
const zones = [
  { target: './lib', from: ['./bin', './local-aws', './test'] },
  { target: './lib', from: './lambda', except: ['./contract.ts'] },
  { target: './lambda', from: ['./lib', './bin', './local-aws', './test'] },
  { target: './lambda/contract.ts', from: '.' },
  { target: './local-aws', from: ['./lib', './lambda', './bin', './test'] },
  { target: './bin', from: ['./test', './lambda'] },
].map((zone) => ({
  ...zone,
  message: 'Imports go down only: bin -> lib -> lambda/contract; local-aws knows neither.',
}));

const forbid = (...patterns) => ({ 'no-restricted-imports': ['error', { patterns }] });

export default tseslint.config(
  { ignores: ['dist', '**/cdk.out', 'coverage', '**/node_modules'] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true } },
    linterOptions: { reportUnusedDisableDirectives: 'error', noInlineConfig: true },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'import-x/no-cycle': 'error',
      'import-x/no-duplicates': 'error',
      'import-x/no-restricted-paths': ['error', { zones }],
      // An async function turns what it throws into a rejection: reason enough without an await.
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
    },
  },
  { files: ['lib/**'], rules: forbid('@aws-sdk/*', '@smithy/*') },
  { files: ['lambda/**'], rules: forbid('aws-cdk-lib', 'aws-cdk-lib/*', 'constructs') },
  { files: ['**/*.mjs', '**/*.mts'], extends: [tseslint.configs.disableTypeChecked] },
);

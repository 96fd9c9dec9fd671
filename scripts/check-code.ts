import { ESLint } from 'eslint';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '..');

/** Checks types and lints with one program: `tsc` and `eslint` would each read the declarations of aws-cdk-lib and check them anew. */
async function main(): Promise<void> {
  const program = programOf(join(ROOT, 'tsconfig.json'));
  const errors = ts.getPreEmitDiagnostics(program);
  const eslint = new ESLint({
    cwd: ROOT,
    overrideConfig: {
      files: ['**/*.ts'],
      languageOptions: { parserOptions: { project: null, programs: [program] } },
    },
  });
  const findings = await eslint.lintFiles('.');
  const formatter = await eslint.loadFormatter('stylish');
  process.stdout.write(ts.formatDiagnostics(errors, FORMAT));
  process.stdout.write(await formatter.format(findings));
  const isClean = errors.length === 0 && findings.every(({ messages }) => messages.length === 0);
  process.exitCode = isClean ? 0 : 1;
}

const FORMAT: ts.FormatDiagnosticsHost = {
  getCurrentDirectory: () => ROOT,
  getCanonicalFileName: (name) => name,
  getNewLine: () => '\n',
};

/** @throws Error when the configuration cannot be read */
function programOf(tsconfig: string): ts.Program {
  const parsed = ts.getParsedCommandLineOfConfigFile(
    tsconfig,
    {},
    {
      ...ts.sys,
      onUnRecoverableConfigFileDiagnostic: (error) => {
        throw new Error(ts.formatDiagnostic(error, FORMAT));
      },
    },
  );
  if (parsed === undefined) throw new Error(`There is no ${tsconfig}`);
  const { fileNames, options, errors } = parsed;
  // ESLint's rules go from a node to its parents.
  const host = ts.createCompilerHost(options, true);
  return ts.createProgram({ rootNames: fileNames, options, configFileParsingDiagnostics: errors, host });
}

void main();

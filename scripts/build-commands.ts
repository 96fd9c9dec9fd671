import { bundle, inPlaceOf, MODULES_FIRST } from './bundle';

/** The library is beside the bundles in the package, compiled by jsii: an app has one copy of it. */
const libraryBeside = inPlaceOf(/^(\.\.\/)+lib$/, { path: '../lib', external: true });

/** Node reads a file as a whole: a session from the cache needs a hundredth of the program. */
const programBeside = inPlaceOf(/^\.\/virtual-mfa\/program\.js$/, { path: './virtual-mfa-program.js', external: true });

async function buildCommands(): Promise<void> {
  await bundle({
    entryPoint: 'bin/virtual-mfa.ts',
    outfile: 'dist/bin/virtual-mfa.js',
    notices: 'dist/bin/virtual-mfa.THIRD-PARTY-LICENSES.txt',
    target: 'node20',
    mainFields: MODULES_FIRST,
    // With require in its place, Node does not start its loader of ES modules.
    supported: { 'dynamic-import': false },
    plugins: [programBeside],
  });
  await bundle({
    entryPoint: 'bin/virtual-mfa/program.ts',
    outfile: 'dist/bin/virtual-mfa-program.js',
    notices: 'dist/bin/virtual-mfa-program.THIRD-PARTY-LICENSES.txt',
    target: 'node20',
    mainFields: MODULES_FIRST,
  });
  await bundle({
    entryPoint: 'bin/app.ts',
    outfile: 'dist/bin/virtual-mfa-app.js',
    notices: 'dist/bin/virtual-mfa-app.THIRD-PARTY-LICENSES.txt',
    target: 'node20',
    mainFields: MODULES_FIRST,
    external: ['aws-cdk-lib', 'constructs'],
    plugins: [libraryBeside],
  });
}

void buildCommands();

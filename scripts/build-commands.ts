import { bundle, inPlaceOf, MODULES_FIRST } from './bundle';

/** The library is beside the bundles in the package, compiled by jsii: an app has one copy of it. */
const libraryBeside = inPlaceOf(/^(\.\.\/)+lib$/, { path: '../lib', external: true });

async function buildCommands(): Promise<void> {
  await bundle({
    entryPoint: 'bin/virtual-mfa.ts',
    outfile: 'dist/bin/virtual-mfa.js',
    notices: 'dist/bin/virtual-mfa.THIRD-PARTY-LICENSES.txt',
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

import { join } from 'node:path';
import { bundle, inPlaceOf, MODULES_FIRST } from './bundle';

/** Lambda has one way to give out credentials, of the many that the SDK would load: see the file. */
const environmentCredentials = inPlaceOf(/^@aws-sdk\/credential-provider-node$/, {
  path: join(__dirname, '../lambda/aws/environment-credentials.ts'),
});

const forLambda = {
  target: 'node24',
  mainFields: MODULES_FIRST,
  plugins: [environmentCredentials],
  // The SDK imports node:http dynamically, and for the module that this makes, Node loads all that http has, undici too.
  supported: { 'dynamic-import': false },
};

/** The code of the two functions: the custom resource's, and the one that gives out codes. */
async function buildFunctions(): Promise<void> {
  await bundle({
    ...forLambda,
    entryPoint: 'lambda/index.ts',
    outfile: 'dist/handler/index.js',
    notices: 'dist/THIRD-PARTY-LICENSES.txt',
  });
  await bundle({
    ...forLambda,
    entryPoint: 'lambda/code/index.ts',
    outfile: 'dist/code-function/index.js',
    notices: 'dist/code-function.THIRD-PARTY-LICENSES.txt',
  });
}

void buildFunctions();

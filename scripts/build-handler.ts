import { join } from 'node:path';
import { bundle, inPlaceOf, MODULES_FIRST } from './bundle';

/** Lambda has one way to give out credentials, of the many that the SDK would load: see the file. */
const environmentCredentials = inPlaceOf(/^@aws-sdk\/credential-provider-node$/, {
  path: join(__dirname, '../lambda/aws/environment-credentials.ts'),
});

/** The custom resource's code, for Lambda. */
void bundle({
  entryPoint: 'lambda/index.ts',
  outfile: 'dist/handler/index.js',
  notices: 'dist/THIRD-PARTY-LICENSES.txt',
  target: 'node24',
  mainFields: MODULES_FIRST,
  plugins: [environmentCredentials],
  // The SDK imports node:http dynamically, and for the module that this makes, Node loads all that http has, undici too.
  supported: { 'dynamic-import': false },
});

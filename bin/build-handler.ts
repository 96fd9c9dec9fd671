import { bundle } from './bundle';

/** The custom resource's code, for Lambda. */
void bundle({
  entryPoint: 'lambda/index.ts',
  outfile: 'dist/handler/index.js',
  notices: 'dist/THIRD-PARTY-LICENSES.txt',
  target: 'node24',
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { aws_lambda as lambda } from 'aws-cdk-lib';
import { type Construct } from 'constructs';
import { ValidationError } from './validation-error';

/** As published (this file in dist/lib/private), and from source (this file in lib/private). */
const DIRECTORIES_OF_BUNDLES = [join(__dirname, '../..'), join(__dirname, '../../dist')];

/** The folder in `dist` with a function's code. */
export type Bundle = 'handler' | 'code-function';

/** A function's code, bundled when this package was built: synthesis needs neither a bundler nor Docker. */
export function bundledCode(scope: Construct, name: Bundle): lambda.Code {
  const directories = DIRECTORIES_OF_BUNDLES.map((directory) => join(directory, name));
  const directory = directories.find((candidate) => existsSync(join(candidate, 'index.js')));
  if (directory === undefined) {
    throw new ValidationError(
      scope,
      `the ${name}'s bundle is missing, looked for index.js in ${directories.join(' and ')}. ` +
        'In a checkout of cdk-iam-virtual-mfa run `npm run build:handler`; an installed package has it, so install it again.',
    );
  }
  return lambda.Code.fromAsset(directory);
}

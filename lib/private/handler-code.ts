import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { aws_lambda as lambda } from 'aws-cdk-lib';
import { type Construct } from 'constructs';
import { ValidationError } from './validation-error';

/** As published (this file in dist/lib/private), and from source (this file in lib/private). */
const BUNDLE_DIRECTORIES = [join(__dirname, '../../handler'), join(__dirname, '../../dist/handler')];

/** The custom resource's code, bundled when this package was built: synthesis needs neither a bundler nor Docker. */
export function handlerCode(scope: Construct): lambda.Code {
  const directory = BUNDLE_DIRECTORIES.find((candidate) => existsSync(join(candidate, 'index.js')));
  if (directory === undefined) {
    throw new ValidationError(
      scope,
      `the handler's bundle is missing, looked for index.js in ${BUNDLE_DIRECTORIES.join(' and ')}. ` +
        'In a checkout of cdk-iam-virtual-mfa run `npm run build:handler`; an installed package has it, so install it again.',
    );
  }
  return lambda.Code.fromAsset(directory);
}

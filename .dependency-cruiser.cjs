const SHARED_BY_ROOMS = '^lambda/(failure|log|request-time)\\.ts$';

/**
 * Imports go one way: see "How the code is laid out" in CONTRIBUTING. Types count too.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    never('only-tests-import-tests', { pathNot: '^(local-aws/)?test/' }, { path: '^(local-aws/)?test/' }),
    only('lib', '^lib/', ['^lib/', '^lambda/contract/', '/aws-cdk-lib/', '/constructs/']),
    only('lambda/contract', '^lambda/contract/', ['^lambda/contract/', '^otplib/']),
    only('lambda/*.ts', SHARED_BY_ROOMS, ['^lambda/contract/']),
    only('lambda/aws', '^lambda/aws/', [
      ...['^lambda/(aws|contract)/', SHARED_BY_ROOMS],
      ...['/@aws-sdk/', '/@smithy/core/', '^@smithy/core/'],
    ]),
    only('lambda/device', '^lambda/device/', ['^lambda/(device|aws|contract)/', SHARED_BY_ROOMS]),
    only('lambda/custom-resource', '^lambda/custom-resource/', [
      ...['^lambda/(custom-resource|device|aws|contract)/', SHARED_BY_ROOMS],
    ]),
    only('lambda/watch', '^lambda/watch/', ['^lambda/(watch|device|aws|contract)/', SHARED_BY_ROOMS]),
    only('lambda/rotation', '^lambda/rotation/', ['^lambda/(rotation|device|aws|contract)/', SHARED_BY_ROOMS]),
    only('lambda/code', '^lambda/code/', [
      ...['^lambda/(code|aws|contract)/', SHARED_BY_ROOMS],
      ...['/@aws-sdk/', '/@types/aws-lambda/'],
    ]),
    only('lambda/index', '^lambda/(index|create-handler)\\.ts$', ['^lambda/', '/@types/aws-lambda/']),
    never(
      'of-lambda-only-the-contract',
      { path: '^(bin|lib|scripts|examples)/' },
      { path: '^lambda/', pathNot: '^lambda/contract/' },
    ),
    never(
      'local-aws-does-not-know-what-it-judges',
      { path: '^local-aws/src/' },
      {
        path: ['^(bin|lib|lambda|scripts|examples)/', '/aws-cdk-lib/', '/otplib/', '^otplib/'],
      },
    ),
    never(
      'the-command-knows-no-cdk',
      { path: '^bin/virtual-mfa(/|\\.ts$)' },
      {
        path: ['^lib/', '^local-aws/', '/aws-cdk-lib/'],
      },
    ),
    never('execa-starts-processes', { pathNot: '^local-aws/src/lambda/' }, { path: '^(node:)?child_process$' }),
    never('bin-knows-no-scripts', { path: '^bin/' }, { path: '^scripts/' }),
    never('examples-import-the-package', { path: '^examples/' }, { path: '^(bin|lambda|scripts|local-aws|lib/.+/)' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|cdk\\.out)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
  },
};

/** Lets some files import these and Node's own modules, and nothing else. */
function only(place, from, allowed) {
  return never(`${place}-imports-nothing-else`, { path: from }, { pathNot: allowed, dependencyTypesNot: ['core'] });
}

function never(name, from, to) {
  return { name, severity: 'error', from, to };
}

import { execFileSync } from 'node:child_process';

/** Bundles the functions and the commands once before the tests, as the package ships them: tests that deploy run the real bundles. */
export default function buildBundles(): void {
  for (const bundle of ['build:handler', 'build:commands', 'build:sbom']) {
    execFileSync('npm', ['run', '--silent', bundle], { stdio: 'inherit' });
  }
}

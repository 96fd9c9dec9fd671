import { execFileSync } from 'node:child_process';

/** Bundles the handler and the commands once before the tests, as the package ships them: tests that deploy run the real bundles. */
export default function buildBundles(): void {
  for (const bundle of ['build:handler', 'build:commands']) {
    execFileSync('npm', ['run', '--silent', bundle], { stdio: 'inherit' });
  }
}

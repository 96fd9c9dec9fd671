import { execFileSync } from 'node:child_process';

/** Bundles the handler once before the tests, as the package ships it: tests that deploy run the real bundle. */
export default function buildHandler(): void {
  execFileSync('npm', ['run', '--silent', 'build:handler'], { stdio: 'inherit' });
}

import { execa } from 'execa';

/** Bundles the functions and the commands once before the tests, as the package ships them: tests that deploy run the real bundles. */
export default async function buildBundles(): Promise<void> {
  for (const bundle of ['build:handler', 'build:commands', 'build:sbom']) {
    await execa('npm', ['run', '--silent', bundle], { stdio: 'inherit' });
  }
}

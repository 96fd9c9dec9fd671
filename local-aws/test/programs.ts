import { execaSync } from 'execa';

/** Whether a program is installed, and can say its version. */
export function isInstalled(program: string): boolean {
  return !execaSync(program, ['--version'], { reject: false }).failed;
}

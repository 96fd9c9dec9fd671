import { execaSync } from 'execa';

/** Whether a program is on the PATH: what needs it is skipped where it is not. */
export function isInstalled(program: string): boolean {
  return !execaSync(program, ['--version'], { reject: false }).failed;
}

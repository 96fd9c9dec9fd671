import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';

const TSC = join(__dirname, '../node_modules/typescript-7/bin/tsc');

/** An error that the compiler found; of no file, where the configuration is wrong. */
export interface CompilerError {
  readonly file: string | undefined;
  readonly message: string;
}

/**
 * Checks the types of a project with TypeScript 7, whose native compiler takes a fraction of the time of the one before it.
 *
 * @param folder the project's; gets a tsconfig.json
 * @returns the files that were checked, and the errors in them
 */
export async function checkTypes(
  folder: string,
  tsconfig: object,
): Promise<{ files: string[]; errors: CompilerError[] }> {
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig));
  const args = [TSC, '--project', folder, '--noEmit', '--listFiles', '--pretty', 'false'];
  const { stdout } = await execa(process.execPath, args, { cwd: folder, reject: false });
  const lines = stdout.split('\n');
  return {
    files: lines.filter((line) => line.startsWith('/')),
    errors: [...stdout.matchAll(/^(?:(\S+)\(\d+,\d+\): )?error (.+(?:\n .+)*)/gm)].map(([, file, message = '']) => ({
      file,
      message,
    })),
  };
}

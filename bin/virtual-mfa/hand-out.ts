import { ListAccountAliasesCommand } from '@aws-sdk/client-iam';
import { join } from 'node:path';
import { type AwsAccess, calling } from './aws-access';
import { CommandFailure, failures } from './command-failure';
import { handOutPage } from './hand-out-page';
import type { ManagedDevice } from './inventory';
import { makePrivateDirectory, writePrivateFile } from './private-file';
import { progressOn } from './progress';
import { severalAtOnce } from './several-at-once';
import { readStoredSeed } from './stored-seeds';
import type { Terminal } from './terminal';

/** A device, and the file with its page, or why there is none. */
export type PageReport = { readonly userName: string; readonly serialNumber: string } & (
  | { readonly file: string }
  | { readonly problem: string }
);

/** The account's alias; undefined where there is none, or where the caller may not know. */
export async function accountAlias(aws: AwsAccess): Promise<string | undefined> {
  try {
    const { AccountAliases = [] } = await calling('iam:ListAccountAliases', 'the account', () =>
      aws.iam.send(new ListAccountAliasesCommand({})),
    );
    return AccountAliases[0];
  } catch (error) {
    if (error instanceof CommandFailure && error.kind === 'accessDenied') return undefined;
    throw error;
  }
}

/**
 * Writes a page for each device that is enabled: never one with several seeds, for it would be handed to several people. What keeps one
 * device from getting a page leaves the others alone.
 */
export async function writePages(
  directory: string,
  devices: readonly ManagedDevice[],
  { aws, region, terminal }: { readonly aws: AwsAccess; readonly region: string; readonly terminal: Terminal },
): Promise<readonly PageReport[]> {
  makePrivateDirectory(directory);
  const alias = await accountAlias(aws);
  const progress = progressOn(terminal, 'pages', devices.length);
  const written = new Set<string>();
  const write = (file: string, serialNumber: string, page: string): void => {
    // Many file systems do not tell a capital letter from a small one.
    if (written.has(file.toLowerCase())) throw failures.pageOfAnother(file, serialNumber);
    writePrivateFile(file, page);
    written.add(file.toLowerCase());
  };
  try {
    return await severalAtOnce(devices, async (device): Promise<PageReport> => {
      const { state, userName = '', serialNumber = '', seedSecretArn = '', seedVersionId = '' } = device;
      try {
        if (state !== 'enabled') return { userName, serialNumber, problem: `its state is "${state}"` };
        const location = { secretArn: seedSecretArn, region, versionId: seedVersionId, serialNumber, userName };
        const page = await handOutPage(await readStoredSeed(location, aws), alias);
        const file = join(directory, `${fileNameOf(device, devices)}.html`);
        write(file, serialNumber, page);
        return { userName, serialNumber, file };
      } catch (error) {
        if (!(error instanceof CommandFailure)) throw error;
        return { userName, serialNumber, problem: error.message };
      } finally {
        progress.step();
      }
    });
  } finally {
    progress.stop();
  }
}

/** The user's name; of several devices of a user, with that of the device. No name of IAM has a tilde, so two never make the same. */
function fileNameOf({ userName = '', serialNumber = '' }: ManagedDevice, devices: readonly ManagedDevice[]): string {
  const isOfUser = (of: ManagedDevice) => of.userName?.toLowerCase() === userName.toLowerCase();
  const ofUser = devices.filter((device) => isOfUser(device) && device.state === 'enabled');
  return ofUser.length === 1 ? userName : `${userName}~${serialNumber.split('/').at(-1) ?? ''}`;
}

import { ListAccountAliasesCommand } from '@aws-sdk/client-iam';
import { join } from 'node:path';
import { type AwsAccess, calling } from './aws-access';
import { CommandFailure } from './command-failure';
import { handOutPage } from './hand-out-page';
import type { ManagedDevice } from './inventory';
import { makePrivateDirectory, writePrivateFile } from './private-file';
import { progressOn } from './progress';
import { severalAtOnce } from './several-at-once';
import { readStoredSeed } from './stored-seeds';
import type { Terminal } from './terminal';

/** A device, and the file with its page; without one, where it cannot be handed out. */
export interface WrittenPage {
  readonly userName: string;
  readonly serialNumber?: string;
  readonly file?: string;
}

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

/** Writes a page for each device that is enabled: never one with several seeds, for it would be handed to several people. */
export async function writePages(
  directory: string,
  devices: readonly ManagedDevice[],
  { aws, region, terminal }: { readonly aws: AwsAccess; readonly region: string; readonly terminal: Terminal },
): Promise<readonly WrittenPage[]> {
  makePrivateDirectory(directory);
  const alias = await accountAlias(aws);
  const progress = progressOn(terminal, 'pages', devices.length);
  try {
    return await severalAtOnce(devices, async (device): Promise<WrittenPage> => {
      const { state, userName = '', serialNumber = '', seedSecretArn = '', seedVersionId = '' } = device;
      const page = { userName, serialNumber };
      if (state !== 'enabled') return page;
      const location = { secretArn: seedSecretArn, region, versionId: seedVersionId, serialNumber, userName };
      const file = join(directory, `${fileNameOf(device, devices)}.html`);
      writePrivateFile(file, await handOutPage(await readStoredSeed(location, aws), alias));
      progress.step();
      return { ...page, file };
    });
  } finally {
    progress.stop();
  }
}

/** The user's name; of several devices of a user, that of the device. */
function fileNameOf({ userName = '', serialNumber = '' }: ManagedDevice, devices: readonly ManagedDevice[]): string {
  const ofUser = devices.filter((device) => device.userName === userName && device.state === 'enabled');
  return ofUser.length === 1 ? userName : (serialNumber.split('/').at(-1) ?? '');
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { enroll, withLocalAws } from './loopback';
import { measureProcess } from './measured-process';
import { mediansInTurns, megabytes, milliseconds, type Section } from './report';

const ROUNDS = 11;
const USER_NAME = 'Bob';

/** What `virtual-mfa session` adds to each command of whoever has it as credential_process: a start, and a session it keeps. */
export async function measureSession(): Promise<Section> {
  return withLocalAws(async ({ account, ...localAws }, home) => {
    await enroll({ account, ...localAws }, 'Users', USER_NAME);
    // STS knows a new device seconds after it was enabled.
    account.advanceClock(20_000);
    const { AccessKey } = await account.invoke('iam', 'CreateAccessKey', { UserName: USER_NAME });
    const { AccessKeyId, SecretAccessKey } = AccessKey as Record<string, string>;
    const { accessKeyId, secretAccessKey } = localAws.credentials;
    const profiles = join(home, 'credentials');
    writeFileSync(
      profiles,
      `[bob-key]\naws_access_key_id=${AccessKeyId}\naws_secret_access_key=${SecretAccessKey}\n` +
        `[administrator]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`,
      { mode: 0o600 },
    );
    const environment = { ...localAws.environment, HOME: home, AWS_SHARED_CREDENTIALS_FILE: profiles };
    const session = ['session', USER_NAME, '--profile', 'bob-key', '--seed-profile', 'administrator'];
    const programs = [
      { name: 'virtual-mfa session, kept', args: [VIRTUAL_MFA, ...session] },
      { name: 'none: node -e 0', args: ['-e', '0'] },
    ];
    const run = async ({ args }: { readonly args: readonly string[] }) =>
      (await measureProcess(args, environment)).usage;
    for (const program of programs) await run(program);
    const before = account.calls.length;
    const runs = await mediansInTurns(ROUNDS, programs, run);
    if (account.calls.length > before) throw new Error('The session was not kept: the command called AWS');
    return {
      title: 'Start of virtual-mfa session',
      head: ['program', 'time (ms)', 'processor (ms)', 'peak memory (MB)'],
      rows: runs.map(({ name, cpuMilliseconds, peakBytes, ...usage }) => [
        ...[name, milliseconds(usage.milliseconds), milliseconds(cpuMilliseconds), megabytes(peakBytes)],
      ]),
      notes: [`Medians of ${ROUNDS} processes each, taken in turns, on Node ${process.version}.`],
    };
  });
}

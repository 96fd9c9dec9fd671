import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VIRTUAL_MFA } from '../../bin/virtual-mfa-command';
import { startLocalAws } from 'local-aws';
import { DeployedFunction } from './deployed-function';
import { measureProcess, type Usage } from './measured-process';
import { median, megabytes, milliseconds, type Section } from './report';

const ROUNDS = 11;
const USER_NAME = 'Bob';

/** What `virtual-mfa session` adds to each command of whoever has it as credential_process: a start, and a session it keeps. */
export async function measureSession(): Promise<Section> {
  const home = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  const localAws = await startLocalAws();
  try {
    (await DeployedFunction.deploy(localAws, USER_NAME, join(home, 'cdk.out'))).close();
    // STS knows a new device seconds after it was enabled.
    localAws.account.advanceClock(20_000);
    const { AccessKey } = await localAws.account.invoke('iam', 'CreateAccessKey', { UserName: USER_NAME });
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
      { name: 'virtual-mfa session, kept', args: [VIRTUAL_MFA, ...session], runs: [] as Usage[] },
      { name: 'none: node -e 0', args: ['-e', '0'], runs: [] as Usage[] },
    ];
    await measureProcess([VIRTUAL_MFA, ...session], { environment });
    const before = localAws.account.calls.length;
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const { args, runs } of programs) runs.push(await measureProcess(args, { environment }));
    }
    if (localAws.account.calls.length > before) throw new Error('The session was not kept: the command called AWS');
    return {
      title: 'Start of virtual-mfa session',
      head: ['program', 'time (ms)', 'processor (ms)', 'peak memory (MB)'],
      rows: programs.map(({ name, runs }) => {
        const of = (key: keyof Usage) => median(runs.map((run) => run[key]));
        return [
          name,
          milliseconds(of('milliseconds')),
          milliseconds(of('cpuMilliseconds')),
          megabytes(of('peakBytes')),
        ];
      }),
      notes: [`Medians of ${ROUNDS} processes each, taken in turns, on Node ${process.version}.`],
    };
  } finally {
    await localAws.close();
    rmSync(home, { recursive: true, force: true });
  }
}

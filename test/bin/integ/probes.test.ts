import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { CloudFormationClient, DescribeStacksCommand, type StackEvent } from '@aws-sdk/client-cloudformation';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CouldNotBeTried, DidNotHold, type Probe, PROBE_EXIT_CODES, runProbes } from '../../../bin/integ/probe';
import { ProbedAccount } from '../../../bin/integ/probed-account';
import { PROBES } from '../../../bin/integ/probes';
import type { Clock } from '../../../bin/virtual-mfa/clock';
import { AwsError, type Fault, type LocalAws, startLocalAws } from '../../../local-aws';

const { allHeld, someCouldNotBeTried, someDidNotHold } = PROBE_EXIT_CODES;
const IN_CHINA = 'In China kms:ViaService names Secrets Manager in one of two ways';
const ROOT = resolve(__dirname, '../../..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/aws-assumptions.md'), 'utf8');

type Call = { readonly input: Record<string, unknown> };
type NextHandler = (args: Call) => Promise<{ readonly output: object; readonly response: unknown }>;

/** Changes the requests and the answers of an account, which then is not as AWS is. */
interface Distortion {
  /** Of what, as a regular expression. */
  readonly command: RegExp;
  readonly request?: (input: Record<string, unknown>) => void;
  readonly answer?: (output: object) => object;
  readonly refusal?: (error: unknown) => object;
}

let localAws: LocalAws;
let ahead: number;
let asked: number;
/** Waits in no time. */
const clock: Clock = {
  now: () => Date.now() + ahead,
  sleep: async (milliseconds) => {
    ahead += milliseconds;
    await delay(20);
  },
};

/** An account in which some time passes whenever it looks at the clock. */
async function startAccount(options: { partition?: string; region?: string } = {}): Promise<void> {
  ahead = 0;
  asked = 0;
  const now = () => {
    asked += 1;
    return clock.now() + 100 * asked;
  };
  localAws = await startLocalAws({ ...options, now });
}

beforeEach(async () => startAccount());
afterEach(async () => localAws.close());

async function run(probes: readonly Probe[], distortion?: Distortion) {
  const lines: string[] = [];
  const accountFor = async () => {
    const account = await ProbedAccount.connect(localAws.clientConfiguration, clock);
    if (distortion) distort(account, distortion);
    return account;
  };
  const exitCode = await runProbes(probes, accountFor, (line) => lines.push(line));
  return { exitCode, lines };
}

function probeOf(assumption: string): Probe {
  const probe = PROBES.find((candidate) => candidate.assumption === assumption);
  if (!probe) throw new Error(`There is no probe of "${assumption}"`);
  return probe;
}

/** What is left of a probe in the account. */
async function remains(): Promise<readonly unknown[]> {
  const { iam } = localAws;
  const secretsManager = new SecretsManagerClient(localAws.clientConfiguration);
  const cloudFormation = new CloudFormationClient(localAws.clientConfiguration);
  const { SecretList = [] } = await secretsManager.send(new ListSecretsCommand({}));
  const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({}));
  secretsManager.destroy();
  cloudFormation.destroy();
  const roles = iam.roles.all().filter(({ name }) => name.includes('probe'));
  return [...iam.users.all(), ...iam.virtualMfaDevices.keys(), ...roles, ...SecretList, ...Stacks];
}

function distort(account: ProbedAccount, { command, request, answer, refusal }: Distortion): void {
  const middleware =
    (next: NextHandler, { commandName = '' }: { commandName?: string }) =>
    async (args: Call) => {
      if (!command.test(commandName)) return next(args);
      request?.(args.input);
      try {
        const result = await next(args);
        return { ...result, output: { ...result.output, ...answer?.(result.output) } };
      } catch (error) {
        if (!refusal) throw error;
        return { output: refusal(error), response: undefined };
      }
    };
  for (const client of [account.iam, account.secretsManager, account.cloudFormation]) {
    const stack = client.middlewareStack as unknown as { add(added: typeof middleware): void };
    stack.add(middleware);
  }
}

describe('docs/aws-assumptions.md', () => {
  const [, listed = ''] = DOCUMENT.split('\n## What is assumed\n');
  const assumptions = (listed.split('\n## ')[0] ?? '')
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.split('\n')[0]?.replaceAll('`', ''), text] as const);

  test('has a heading for each probe, in the same order, and no other', () => {
    expect(assumptions.map(([heading]) => heading)).toEqual(PROBES.map(({ assumption }) => assumption));
  });

  test.each(assumptions)(
    'says where the code relies on it, what if it is wrong, and what the probe does: %s',
    (_heading, text) => {
      const [, reliedOn = ''] = /^- \*\*Relied on in\*\* ([^]+?)^- /m.exec(text) ?? [];
      const files = [...reliedOn.matchAll(/\]\(\.\.\/([^)]+)\)/g)].map(([, file = '']) => file);

      expect(files.filter((file) => existsSync(join(ROOT, file)))).toEqual(files);
      expect(files).not.toEqual([]);
      expect(text).toContain('- **If it is wrong**, ');
      expect(text).toContain('- **The probe** ');
    },
  );
});

describe('on local-aws, which does as the product assumes,', () => {
  const probes = PROBES.filter(({ assumption }) => assumption !== IN_CHINA);

  test.each(probes.map((probe) => [probe.assumption, probe] as const))(
    'the probe says that it held, and leaves nothing behind: %s',
    async (assumption, probe) => {
      expect(await run([probe])).toEqual({ exitCode: allHeld, lines: [`${assumption}: held`] });
      expect(await remains()).toEqual([]);
    },
  );
});

describe('where AWS does not do as the product assumes, the probe says so:', () => {
  /** By assumption: what is broken, and what the probe says. */
  const broken: Readonly<Record<string, readonly [Fault | Distortion, string]>> = {
    'aws:ResourceTag limits DeleteVirtualMFADevice and UntagMFADevice': [
      withoutCondition('StringEquals'),
      'UntagMFADevice of another stack’s device is allowed',
    ],
    'StringEqualsIfExists limits TagMFADevice to devices that no other stack has marked': [
      withoutCondition('StringEqualsIfExists'),
      'TagMFADevice of another stack’s device is allowed',
    ],
    'What is gone is not found, or denied, to a role that is limited by tags': [
      always('iam:DeleteVirtualMFADevice', new AwsError('InvalidInput', 'No.', 400), 'role'),
      'DeleteVirtualMFADevice of a device that is gone answers InvalidInputException: No.',
    ],
    'A new role’s policy is in force within 30 seconds': [
      always('secretsmanager:DescribeSecret', new AwsError('AccessDeniedException', 'No.', 400), 'role'),
      '30 s later, DescribeSecret is denied: No.',
    ],
    'A version id of a secret need not be a UUID': [
      always('secretsmanager:PutSecretValue', new AwsError('InvalidParameterException', 'No.', 400)),
      'PutSecretValue refuses it: No.',
    ],
    'DescribeSecret shows a version and a tag that have just been written': [
      { command: /^DescribeSecretCommand$/, answer: () => ({ VersionIdsToStages: {} }) },
      'a version that was just stored is not shown',
    ],
    'A new version of a secret can be read within 30 seconds': [
      always('secretsmanager:GetSecretValue', new AwsError('ResourceNotFoundException', 'No.', 400)),
      'the version cannot be read in that time',
    ],
    'Of two moves of AWSCURRENT away from the same version one fails': [
      { command: /^UpdateSecretVersionStageCommand$/, refusal: () => ({}) },
      'both moves succeed',
    ],
    'CloudFormation dates the URL for an answer with the time of its request': [
      inTemplates('X-Amz-Date', 'Expires'),
      'the URL has no X-Amz-Date',
    ],
    'The clean-up of an update removes a policy after the resources that depended on it': [
      reversedEvents(),
      'the policy goes before a resource that was replaced',
    ],
    'A rollback reverts a secret before the custom resource that refers to it': [
      inTemplates('"Ref":"Seed"', '"Ref":"AWS::StackName"'),
      'the custom resource gets its event before the secret is reverted',
    ],
    'After a rollback CloudFormation does not delete the physical id that the rollback answered': [
      {
        command: /^DescribeStackEventsCommand$/,
        answer: (output) => ({
          StackEvents: (output as { StackEvents: StackEvent[] }).StackEvents.map((event) =>
            event.ResourceStatus === 'DELETE_COMPLETE' ? { ...event, PhysicalResourceId: 'first' } : event,
          ),
        }),
      },
      'it deletes the first physical id, although the rollback answered it',
    ],
    'An update of a secret’s tags by CloudFormation keeps the tags that others set': [
      { command: /^DescribeSecretCommand$/, answer: () => ({ Tags: [] }) },
      'it removes them',
    ],
    'A device can be enabled for a new user within 45 seconds': [
      always('iam:EnableMFADevice', new AwsError('NoSuchEntity', 'No.', 404)),
      'EnableMFADevice knows no such user after that time',
    ],
    'A new device is shown with its tags within three seconds': [
      always('iam:ListMFADeviceTags', new AwsError('NoSuchEntity', 'No.', 404)),
      'ListMFADeviceTags knows no such device after that time',
    ],
    'STS knows a new device within 30 seconds, in every region': [
      always('sts:GetSessionToken', new AwsError('AccessDenied', 'unable to validate MFA code', 403)),
      'GetSessionToken takes no code of it after that time',
    ],
    [IN_CHINA]: [inPolicies('"kms:Decrypt"', '"kms:Encrypt"'), 'PutSecretValue under the key is denied: '],
  };

  test('each is broken here', () => {
    expect(Object.keys(broken)).toEqual(PROBES.map(({ assumption }) => assumption));
  });

  test.each(Object.entries(broken))('%s', async (assumption, [how, said]) => {
    if (assumption === IN_CHINA) await moveToChina();
    if ('action' in how) localAws.account.faults.inject(how);
    const { exitCode, lines } = await run([probeOf(assumption)], 'command' in how ? how : undefined);

    expect(lines[0]).toMatch(`${assumption}: did not hold: ${said}`);
    expect(exitCode).toBe(someDidNotHold);
    localAws.account.faults.clear();
  });
});

describe('a run of probes', () => {
  const held: Probe = { assumption: 'This holds', run: async () => undefined };
  const untried: Probe = {
    assumption: 'This is elsewhere',
    run: async () => Promise.reject(new CouldNotBeTried('only elsewhere')),
  };
  const wrong: Probe = {
    assumption: 'This is wrong',
    run: async () => Promise.reject(new DidNotHold('it is otherwise')),
  };

  test.each([
    [[held, held], allHeld],
    [[held, untried], someCouldNotBeTried],
    [[wrong, untried, held], someDidNotHold],
    [[untried, wrong], someDidNotHold],
  ])('%# ends with the exit code of its worst finding', async (probes, exitCode) => {
    expect((await run(probes)).exitCode).toBe(exitCode);
  });

  test('tells an account in China from another', async () => {
    const elsewhere = await run([probeOf(IN_CHINA)]);
    await moveToChina();
    const inChina = await run([probeOf(IN_CHINA)]);

    expect(elsewhere.lines).toEqual([`${IN_CHINA}: could not be tried: this takes an account in China (aws-cn)`]);
    expect(inChina).toEqual({ exitCode: allHeld, lines: [`${IN_CHINA}: held`] });
  });

  test('goes on after an error, and prints nothing of it that could be a seed or a code', async () => {
    const leaking: Probe = {
      assumption: 'This leaks',
      run: async () => Promise.reject(new Error(`refused 123456 of JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP`)),
    };

    expect((await run([leaking, held])).lines).toEqual([
      'This leaks: could not be tried: Error: refused [removed] of [removed]',
      'This holds: held',
    ]);
  });

  test('says what it could not clean up, and fails', async () => {
    const untidy: Probe = {
      assumption: 'This stays',
      run: async (account) => {
        await account.createUser();
        localAws.account.faults.inject(always('iam:DeleteUser', new AwsError('DeleteConflict', 'No.', 409)));
      },
    };
    const { exitCode, lines } = await run([untidy]);

    expect(exitCode).toBe(someDidNotHold);
    expect(lines[1]).toMatch(/^ {2}left behind, delete it by hand: the user virtual-mfa-probe-\w+ \(DeleteConflict/);
  });
});

async function moveToChina(): Promise<void> {
  await localAws.close();
  await startAccount({ partition: 'aws-cn', region: 'cn-north-1' });
}

function always(action: string, answer: AwsError, callerType?: 'role'): Fault {
  return { action, answer, times: 1_000, ...(callerType === undefined ? {} : { callerType }) };
}

function inPolicies(from: string, to: string): Distortion {
  return {
    command: /^PutRolePolicyCommand$/,
    request: (input) => {
      input.PolicyDocument = String(input.PolicyDocument).replaceAll(from, to);
    },
  };
}

/** An IAM that does not look at conditions of a kind. */
function withoutCondition(operator: string): Distortion {
  return inPolicies(`"${operator}":{"aws:ResourceTag/`, '"StringNotEquals":{"aws:ResourceTag/absent-');
}

function inTemplates(from: string, to: string): Distortion {
  return {
    command: /^(?:Create|Update)StackCommand$/,
    request: (input) => {
      input.TemplateBody = String(input.TemplateBody).replaceAll(from, to);
    },
  };
}

function reversedEvents(): Distortion {
  return {
    command: /^DescribeStackEventsCommand$/,
    answer: (output) => ({ StackEvents: [...(output as { StackEvents: StackEvent[] }).StackEvents].reverse() }),
  };
}

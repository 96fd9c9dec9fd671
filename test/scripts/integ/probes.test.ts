import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { StackEvent } from '@aws-sdk/client-cloudformation';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PROBE_EXIT_CODES } from '../../../scripts/integ/probe';
import { PROBES } from '../../../scripts/integ/probes';
import { AwsError, type Fault } from 'local-aws';
import { always, CHINA, type Distortion, IN_CHINA, IN_CLOUD_TRAIL, ProbedLocalAws, probeOf } from './probed-local-aws';

const { allHeld, someCouldNotBeTried, someDidNotHold } = PROBE_EXIT_CODES;
const ROOT = resolve(__dirname, '../../..');
const DOCUMENT = readFileSync(join(ROOT, 'docs/aws-assumptions.md'), 'utf8');

let account: ProbedLocalAws;

beforeEach(async () => {
  account = await ProbedLocalAws.start();
});
afterEach(async () => account.close());

describe('docs/aws-assumptions.md', () => {
  const [, listed = ''] = DOCUMENT.split('\n## What is assumed\n');
  const assumptions = (listed.split('\n## ')[0] ?? '')
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.split('\n')[0]?.replaceAll('`', ''), text] as const);

  test('has a heading for each probe, in the same order, and no other', () => {
    expect(assumptions.map(([heading]) => heading)).toEqual(PROBES.map(({ assumption }) => assumption));
  });

  test('has links to headings that are there', () => {
    const links = [...DOCUMENT.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor);
    const anchors = assumptions.map(([heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    );

    expect(links.filter((anchor) => !anchors.includes(anchor ?? ''))).toEqual([]);
    expect(links).not.toEqual([]);
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
  const probes = PROBES.filter(({ assumption }) => ![IN_CHINA, IN_CLOUD_TRAIL].includes(assumption));

  test.each(probes.map((probe) => [probe.assumption, probe] as const))(
    'the probe says that it held, and leaves nothing behind: %s',
    async (assumption, probe) => {
      expect(await account.run([probe])).toEqual({ exitCode: allHeld, lines: [`${assumption}: held`] });
      expect(await account.remains()).toEqual([]);
    },
  );
});

test('the probe for China tells an account there from another', async () => {
  const elsewhere = await account.run([probeOf(IN_CHINA)]);
  await moveToChina();
  const inChina = await account.run([probeOf(IN_CHINA)]);

  expect(elsewhere).toEqual({
    exitCode: allHeld,
    lines: [`${IN_CHINA}: could not be tried: it takes an account in aws-cn`],
  });
  expect(inChina).toEqual({ exitCode: allHeld, lines: [`${IN_CHINA}: held`] });
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
    'A role that is limited by tags gets "not found" or "denied" for what is gone': [
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
    'A tag of a secret holds every character that a user name may have': [
      always('secretsmanager:CreateSecret', new AwsError('InvalidParameterException', 'No.', 400)),
      'CreateSecret refuses it: No.',
    ],
    'DescribeSecret shows a version and a tag that have just been written': [
      { command: /^DescribeSecretCommand$/, answer: () => ({ VersionIdsToStages: {} }) },
      'a version that was just stored is not shown',
    ],
    'A new version of a secret can be read within 30 seconds': [
      always('secretsmanager:GetSecretValue', new AwsError('ResourceNotFoundException', 'No.', 400)),
      'the version cannot be read in that time',
    ],
    'A new version of a secret can be made current within 30 seconds': [
      always('secretsmanager:UpdateSecretVersionStage', new AwsError('ResourceNotFoundException', 'No.', 400)),
      'the label cannot be moved in that time',
    ],
    'Of two moves of AWSCURRENT away from the same version one fails': [
      { command: /^UpdateSecretVersionStageCommand$/, refusal: () => ({}) },
      'both moves succeed',
    ],
    'An event has a RequestId and a StackId of the shapes that the function demands': [
      inTemplates('"Shows":"RequestId"', '"Id":"8b0b/3f2a"'),
      'a RequestId has 9 characters, or other ones',
    ],
    'CloudFormation dates the URL for an answer with the time of its request': [
      inTemplates('X-Amz-Date', 'Expires'),
      'the URL has no X-Amz-Date',
    ],
    'The clean-up of an update removes a policy after the resources that depended on it': [
      reversedEvents(),
      'the policy goes before a resource that was replaced',
    ],
    'CloudFormation shows the new template while it cleans up after an update': [
      { command: /^GetTemplateCommand$/, answer: () => ({ TemplateBody: '{"Resources":{"Echo":{}}}' }) },
      'it shows the old one',
    ],
    'A rollback reverts a secret before the custom resource that refers to it': [
      inTemplates('"Ref":"Seed"', '"Ref":"AWS::StackName"'),
      'the custom resource gets its event before the secret is reverted',
    ],
    'A rollback sends an Update to a custom resource that was replaced': [
      withoutAnswersOfRollback(),
      'the rollback sends no request',
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
    'The deletion of a stack deletes its secrets without a recovery window': [
      { command: /^DescribeSecretCommand$/, refusal: () => ({ DeletedDate: new Date('2026-02-14T12:00:00Z') }) },
      'the secret can be restored, and is deleted on 2026-02-14T12:00:00.000Z',
    ],
    'A device can be enabled for a new user within 45 seconds': [
      always('iam:EnableMFADevice', new AwsError('NoSuchEntity', 'No.', 404)),
      'EnableMFADevice knows no such user after that time',
    ],
    'A new device can be enabled within 45 seconds': [
      {
        command: /^EnableMFADeviceCommand$/,
        request: (input) => {
          if (!String(input.SerialNumber).endsWith('-first'))
            input.SerialNumber = `${String(input.SerialNumber)}-absent`;
        },
      },
      'EnableMFADevice knows no such device after that time',
    ],
    'A new device is shown with its tags within three seconds': [
      always('iam:ListMFADeviceTags', new AwsError('NoSuchEntity', 'No.', 404)),
      'ListMFADeviceTags knows no such device after that time',
    ],
    'STS knows a new device within 30 seconds, in every region': [
      always('sts:GetSessionToken', new AwsError('AccessDenied', 'unable to validate MFA code', 403)),
      'GetSessionToken takes no code of it after that time',
    ],
    'A secret with a value rejects a key that does not exist': [
      { command: /^UpdateSecretCommand$/, refusal: () => ({}) },
      'UpdateSecret takes it',
    ],
    'Secrets Manager says that the key of a secret is denied in one of two ways': [
      always('secretsmanager:GetSecretValue', new AwsError('AccessDeniedException', 'No.', 400), 'role'),
      'GetSecretValue answers AccessDeniedException: No.',
    ],
    [IN_CHINA]: [inPolicies('"kms:GenerateDataKey"', '"kms:Encrypt"'), 'PutSecretValue under the key is denied: '],
  };

  test('each is broken here', () => {
    expect([...Object.keys(broken), IN_CLOUD_TRAIL]).toEqual(PROBES.map(({ assumption }) => assumption));
  });

  test.each(Object.entries(broken))('%s', async (assumption, [how, said]) => {
    if (assumption === IN_CHINA) await moveToChina();
    if ('action' in how) account.localAws.account.faults.inject(how);
    const { exitCode, lines } = await account.run([probeOf(assumption)], 'command' in how ? how : undefined);

    expect(lines[0]).toMatch(`${assumption}: did not hold: ${said}`);
    expect(exitCode).toBe(someDidNotHold);
    account.localAws.account.faults.clear();
  });
});

test('the probe of a rollback could not be tried where the rollback asks nothing', async () => {
  const assumption = 'After a rollback CloudFormation does not delete the physical id that the rollback answered';
  const { lines, exitCode } = await account.run([probeOf(assumption)], withoutAnswersOfRollback());

  expect(lines).toEqual([`${assumption}: could not be tried: the rollback did not ask the resource`]);
  expect(exitCode).toBe(someCouldNotBeTried);
});

async function moveToChina(): Promise<void> {
  await account.close();
  account = await ProbedLocalAws.start(CHINA);
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

/** Events of a rollback in which CloudFormation asks a custom resource nothing. */
function withoutAnswersOfRollback(): Distortion {
  return {
    command: /^DescribeStackEventsCommand$/,
    answer: (output) => {
      const { StackEvents } = output as { StackEvents: StackEvent[] };
      // The latest come first.
      const rollback = StackEvents.findIndex(({ ResourceStatus }) => ResourceStatus === 'UPDATE_ROLLBACK_IN_PROGRESS');
      const isAnswer = ({ LogicalResourceId, ResourceStatus }: StackEvent) =>
        LogicalResourceId === 'Echo' && ResourceStatus === 'UPDATE_COMPLETE';
      return { StackEvents: StackEvents.filter((event, index) => index > rollback || !isAnswer(event)) };
    },
  };
}

function reversedEvents(): Distortion {
  return {
    command: /^DescribeStackEventsCommand$/,
    answer: (output) => ({ StackEvents: [...(output as { StackEvents: StackEvent[] }).StackEvents].reverse() }),
  };
}

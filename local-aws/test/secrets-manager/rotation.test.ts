import { CreateUserCommand } from '@aws-sdk/client-iam';
import {
  CancelRotateSecretCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager';
import { beforeEach, describe, expect, it } from 'vitest';
import type { RotationEvent } from '../../src';
import { allow, createAccessKey } from '../callers';
import { ACCOUNT_ID, NOON, refusalOf } from '../strict-account';
import { useSeedSecret, V1, V2, V3 } from './seed-secret';

const DAY = 86_400_000;
const FUNCTION = `arn:aws:lambda:us-east-1:${ACCOUNT_ID}:function:rotate`;

const { account, create, put, get, describeSecret, labels, moveLabel, remove } = useSeedSecret();
/** The steps that the function was invoked for. */
let steps: string[];
/** What a step does instead of its work. */
let instead: Partial<Record<RotationEvent['Step'], () => Promise<void>>>;

beforeEach(async () => {
  steps = [];
  instead = {};
  account().localAws.secretsManager.onRotation(async (functionArn, event) => {
    expect(functionArn).toBe(FUNCTION);
    steps.push(event.Step);
    await (instead[event.Step] ?? (() => rotate(event)))();
  });
  await create({ SecretString: 'one', ClientRequestToken: V1 });
});

/** A rotation function as AWS's template has it. */
async function rotate({ Step, SecretId, ClientRequestToken: version, RotationToken }: RotationEvent): Promise<void> {
  const { secretsManager } = account();
  const { VersionIdsToStages = {}, RotationEnabled } = await describeSecret();
  expect(RotationEnabled).toBe(true);
  expect(VersionIdsToStages[version]).toContain('AWSPENDING');
  if (Step === 'createSecret') {
    const absent = await refusalOf(get({ VersionId: version, VersionStage: 'AWSPENDING' }));
    expect(absent.code).toBe('ResourceNotFoundException');
    await secretsManager.send(
      new PutSecretValueCommand({
        SecretId,
        ClientRequestToken: version,
        SecretString: `${(await get()).SecretString ?? ''}+`,
        VersionStages: ['AWSPENDING'],
        RotationToken,
      }),
    );
  }
  if (Step === 'testSecret') await get({ VersionId: version, VersionStage: 'AWSPENDING' });
  if (Step === 'finishSecret') {
    const [current] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT')) ?? [];
    await moveLabel('AWSCURRENT', current, version);
  }
}

const fail = () => Promise.reject(new Error('the service is down'));
const startRotation = (input: Partial<RotateSecretCommand['input']> = {}) =>
  account().secretsManager.send(
    new RotateSecretCommand({
      SecretId: 'seed',
      ClientRequestToken: V2,
      RotationLambdaARN: FUNCTION,
      RotationRules: { AutomaticallyAfterDays: 30 },
      ...input,
    }),
  );
const rotated = async (input: Partial<RotateSecretCommand['input']> = {}) => {
  await startRotation(input);
  await account().localAws.secretsManager.ended();
};
const cancel = () => account().secretsManager.send(new CancelRotateSecretCommand({ SecretId: 'seed' }));
const outcomes = () => account().localAws.secretsManager.outcomes.map(({ eventName }) => eventName);

const ALL = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
const INCOMPLETE = {
  code: 'InvalidRequestException',
  status: 400,
  message: "A previous rotation isn't complete. That rotation will be reattempted.",
};

describe('a rotation', () => {
  it('runs the four steps, and the version that they make becomes current', async () => {
    expect(await startRotation()).toMatchObject({ Name: 'seed', VersionId: V2 });
    await account().localAws.secretsManager.ended();

    expect(steps).toEqual(ALL);
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V2]: ['AWSCURRENT', 'AWSPENDING'] });
    expect((await get()).SecretString).toBe('one+');
    expect(outcomes()).toEqual(['RotationSucceeded']);
  });

  it('shows in DescribeSecret and ListSecrets, with the date of the last one that succeeded', async () => {
    await rotated();
    const shown = {
      RotationEnabled: true,
      RotationLambdaARN: FUNCTION,
      RotationRules: { AutomaticallyAfterDays: 30 },
      LastRotatedDate: new Date(NOON),
      NextRotationDate: new Date('2026-02-14T23:59:59Z'),
    };
    expect(await describeSecret()).toMatchObject(shown);
    const { SecretList } = await account().secretsManager.send(new ListSecretsCommand({}));
    expect(SecretList).toMatchObject([shown]);
  });

  it('keeps its function and rules for the next request', async () => {
    await rotated();
    await rotated({ ClientRequestToken: V3, RotationLambdaARN: undefined, RotationRules: undefined });
    expect(await labels()).toEqual({ [V2]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT', 'AWSPENDING'] });
  });

  it('has a version without a value at first, which no list of versions shows', async () => {
    instead = { createSecret: fail };
    await rotated();
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'], [V2]: ['AWSPENDING'] });
    expect(await refusalOf(get({ VersionStage: 'AWSPENDING' }))).toEqual({
      code: 'ResourceNotFoundException',
      status: 400,
      message: "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
    });
    const { Versions } = await account().secretsManager.send(
      new ListSecretVersionIdsCommand({ SecretId: 'seed', IncludeDeprecated: true }),
    );
    expect(Versions).toMatchObject([{ VersionId: V1 }]);
  });

  it.each(ALL.map((step, index) => [step, ALL.slice(0, index + 1)] as const))(
    'ends at %s if that fails, and the current version stays',
    async (step, ran) => {
      instead = { [step]: fail };
      await rotated();
      expect(steps).toEqual(ran);
      expect(outcomes()).toEqual(['RotationFailed']);
      expect(account().localAws.secretsManager.outcomes[0]?.error?.message).toBe('the service is down');
      expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'], [V2]: ['AWSPENDING'] });
      expect(await describeSecret()).not.toHaveProperty('LastRotatedDate');
    },
  );

  it('has not succeeded where the function leaves AWSPENDING on a version of its own', async () => {
    instead = { finishSecret: () => Promise.resolve() };
    await rotated();
    expect(outcomes()).toEqual(['RotationFailed']);
    expect(await describeSecret()).not.toHaveProperty('LastRotatedDate');
  });

  it('stands in the way of another one until it is complete', async () => {
    instead = { setSecret: fail };
    await rotated();
    expect(await refusalOf(startRotation({ ClientRequestToken: V3 }))).toEqual(INCOMPLETE);
  });

  it('is abandoned by a value that is put by hand', async () => {
    instead = { setSecret: fail };
    await rotated();
    await put(V3, 'three');
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V3]: ['AWSCURRENT'] });
    await account().localAws.secretsManager.rotateDue();
    expect(steps).toEqual(['createSecret', 'setSecret']);
  });

  it('is started once by a request that comes twice', async () => {
    await rotated();
    await rotated();
    expect(steps).toEqual(ALL);
  });
});

describe('a request for a rotation is refused', () => {
  it('without a function', async () => {
    expect(await refusalOf(startRotation({ RotationLambdaARN: undefined }))).toEqual({
      code: 'InvalidRequestException',
      status: 400,
      message: 'No Lambda rotation function ARN is associated with this secret.',
    });
  });

  it.each([
    [{}],
    [{ AutomaticallyAfterDays: 1, ScheduleExpression: 'rate(1 day)' }],
    [{ ScheduleExpression: 'rate(3 hours)' }],
    [{ ScheduleExpression: 'rate(1000 days)' }],
    [{ ScheduleExpression: 'every day' }],
    [{ ScheduleExpression: 'rate(4 hours)', Duration: '5h' }],
    [{ AutomaticallyAfterDays: 1, Duration: '25h' }],
    [{ ScheduleExpression: 'cron(0 18 * * ? *)', Duration: '7h' }],
    [{ ScheduleExpression: 'cron(0 0/8 * * ? *)', Duration: '9h' }],
    [{ ScheduleExpression: 'cron(0 0/2 * * ? *)' }],
  ])('with the rules %j', async (RotationRules) => {
    expect(await refusalOf(startRotation({ RotationRules }))).toMatchObject({ code: 'InvalidParameterException' });
    expect(await describeSecret()).not.toHaveProperty('RotationEnabled');
  });

  it('from a caller who may not invoke the function', async () => {
    await account().iam.send(new CreateUserCommand({ UserName: 'Eve' }));
    await allow(account().iam, 'Eve', { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' });
    const eve = account().as(await createAccessKey(account().iam, 'Eve'));
    const refusal = await refusalOf(
      eve.secretsManager.send(new RotateSecretCommand({ SecretId: 'seed', RotationLambdaARN: FUNCTION })),
    );
    expect(refusal.code).toBe('AccessDeniedException');
    expect(refusal.message).toContain('lambda:InvokeFunction');
  });
});

describe('a test of the configuration', () => {
  it('runs testSecret on a version with the current value, which then has no label', async () => {
    let tested: string | undefined;
    instead = {
      testSecret: async () => {
        tested = (await get({ VersionId: V2, VersionStage: 'AWSPENDING' })).SecretString;
      },
    };
    await rotated({ RotateImmediately: false });
    expect(steps).toEqual(['testSecret']);
    expect(tested).toBe('one');
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'] });
    expect((await get({ VersionId: V2 })).SecretString).toBe('one');
    expect(outcomes()).toEqual(['TestRotationSucceeded']);
    expect(await describeSecret()).not.toHaveProperty('LastRotatedDate');
  });

  it('that fails leaves no label behind either', async () => {
    instead = { testSecret: fail };
    await rotated({ RotateImmediately: false });
    expect(outcomes()).toEqual(['TestRotationFailed']);
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'] });
  });
});

describe('the schedule', () => {
  /** Whether anything was due. */
  const rotateDue = async () => {
    steps.length = 0;
    await account().localAws.secretsManager.rotateDue();
    return steps.length > 0;
  };

  it('rotates when the window opens, again and again', async () => {
    await rotated();
    account().pass(29 * DAY);
    expect(await rotateDue()).toBe(false);
    account().pass(DAY);
    expect(await rotateDue()).toBe(true);
    expect(await rotateDue()).toBe(false);
    expect(await describeSecret()).toMatchObject({
      LastRotatedDate: new Date(NOON + 30 * DAY),
      NextRotationDate: new Date('2026-03-16T23:59:59Z'),
    });
  });

  it.each([
    [{ AutomaticallyAfterDays: 1 }, '2026-01-16T00:00:00Z', '2026-01-16T23:59:59Z', 1],
    [{ ScheduleExpression: 'rate(10 days)' }, '2026-01-25T00:00:00Z', '2026-01-25T23:59:59Z', 10],
    [{ ScheduleExpression: 'rate(10 days)', Duration: '3h' }, '2026-01-25T00:00:00Z', '2026-01-25T02:59:59Z', 10],
    [{ ScheduleExpression: 'rate(1 day)' }, '2026-01-16T00:00:00Z', '2026-01-16T23:59:59Z', 1],
    [{ ScheduleExpression: 'rate(4 hours)' }, '2026-01-15T16:00:00Z', '2026-01-15T16:59:59Z', undefined],
    [{ ScheduleExpression: 'rate(36 hours)', Duration: '2h' }, '2026-01-17T00:00:00Z', '2026-01-17T01:59:59Z', 2],
    [{ ScheduleExpression: 'cron(0 8 * * ? *)' }, '2026-01-16T08:00:00Z', '2026-01-16T23:59:59Z', 1],
    [
      { ScheduleExpression: 'cron(0 18 * * ? *)', Duration: '6h' },
      '2026-01-15T18:00:00Z',
      '2026-01-15T23:59:59Z',
      undefined,
    ],
    [{ ScheduleExpression: 'cron(0 0/8 * * ? *)' }, '2026-01-15T16:00:00Z', '2026-01-15T16:59:59Z', undefined],
    [{ ScheduleExpression: 'cron(0 0 1 * ? *)', Duration: '1h' }, '2026-02-01T00:00:00Z', '2026-02-01T00:59:59Z', 17],
  ])('%j opens at %s', async (RotationRules, opens, lastSecond, AutomaticallyAfterDays) => {
    await rotated({ RotationRules });
    const { RotationRules: shown, NextRotationDate } = await describeSecret();
    expect(NextRotationDate).toEqual(new Date(lastSecond));
    expect(shown).toEqual({ ...(AutomaticallyAfterDays ? { AutomaticallyAfterDays } : {}), ...RotationRules });
    account().pass(Date.parse(opens) - account().now() - 1);
    expect(await rotateDue()).toBe(false);
    account().pass(1);
    expect(await rotateDue()).toBe(true);
  });

  it('tries a failed rotation again, with the same version', async () => {
    instead = { setSecret: fail, createSecret: fail };
    await rotated();
    instead = {};
    expect(await rotateDue()).toBe(true);
    expect(steps).toEqual(ALL);
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V2]: ['AWSCURRENT', 'AWSPENDING'] });
    expect(await rotateDue()).toBe(false);
  });

  it('stays due where the rotation fails, with a new version if the function took the label off', async () => {
    await rotated();
    account().pass(30 * DAY);
    instead = {
      createSecret: async () => {
        const [pending] = Object.entries(await labels()).find(([, [stage]]) => stage === 'AWSPENDING') ?? [];
        await moveLabel('AWSPENDING', pending);
        await fail();
      },
    };
    expect(await rotateDue()).toBe(true);
    expect(await labels()).toEqual({ [V1]: ['AWSPREVIOUS'], [V2]: ['AWSCURRENT'] });
    expect((await describeSecret()).NextRotationDate).toEqual(new Date('2026-02-14T23:59:59Z'));
    instead = {};
    expect(await rotateDue()).toBe(true);
    expect((await describeSecret()).LastRotatedDate).toEqual(new Date(NOON + 30 * DAY));
  });

  it.each([
    ['as a rotation, where the rules are a number of days', { AutomaticallyAfterDays: 30 }, '2026-03-06T23:59:59Z'],
    ['for nothing, where they are an expression', { ScheduleExpression: 'rate(30 days)' }, '2026-02-14T23:59:59Z'],
  ])('counts a value that is put by hand %s', async (_how, RotationRules, next) => {
    await rotated({ RotationRules });
    account().pass(20 * DAY);
    await put(V3, 'three');
    expect((await describeSecret()).NextRotationDate).toEqual(new Date(next));
  });

  it('starts no rotation while one runs', async () => {
    await rotated();
    account().pass(30 * DAY);
    let second: Promise<void> | undefined;
    instead = {
      setSecret: async () => {
        second = account().localAws.secretsManager.rotateDue();
      },
    };
    expect(await rotateDue()).toBe(true);
    await second;
    expect(steps).toEqual(ALL);
  });

  it('leaves a secret alone that is about to be deleted', async () => {
    await rotated();
    account().pass(30 * DAY);
    await remove({ RecoveryWindowInDays: 30 });
    expect(await rotateDue()).toBe(false);
  });
});

describe('turning rotation off', () => {
  it('keeps the function, the rules and the last date, and rotates no more', async () => {
    await rotated();
    expect(await cancel()).toMatchObject({ Name: 'seed' });
    const { NextRotationDate, ...shown } = await describeSecret();
    expect(NextRotationDate).toBeUndefined();
    expect(shown).toMatchObject({
      RotationEnabled: false,
      RotationLambdaARN: FUNCTION,
      RotationRules: { AutomaticallyAfterDays: 30 },
      LastRotatedDate: new Date(NOON),
    });
    account().pass(60 * DAY);
    await account().localAws.secretsManager.rotateDue();
    expect(steps).toEqual(ALL);
  });

  it.each([
    ['succeeds', () => Promise.resolve()],
    ['fails', fail],
  ])('lets the step that runs go on, and starts no other, whether it %s', async (_how, end) => {
    instead = {
      setSecret: async () => {
        expect(await refusalOf(startRotation({ ClientRequestToken: V3 }))).toEqual(INCOMPLETE);
        await cancel();
        await end();
      },
    };
    await rotated();
    expect(steps).toEqual(['createSecret', 'setSecret']);
    expect(await labels()).toEqual({ [V1]: ['AWSCURRENT'], [V2]: ['AWSPENDING'] });
    expect(outcomes()).toEqual([]);
    await account().localAws.secretsManager.rotateDue();
    expect(steps).toEqual(['createSecret', 'setSecret']);
  });
});

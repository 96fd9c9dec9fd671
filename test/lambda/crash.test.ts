import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { type LocalAws, startLocalAws } from 'local-aws';
import { putHandlerPolicies, ROLE_NAME, signedUrl, STACK_ID } from './lifecycle';

const FUNCTION_NAME = 'handler';
const CREATE_CALLS = [
  'iam:CreateVirtualMFADevice',
  'secretsmanager:PutSecretValue',
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetSecretValue',
  'iam:EnableMFADevice',
];
const REPLACEMENT_CALLS = [...CREATE_CALLS, 'secretsmanager:UpdateSecretVersionStage'];
const DELETE_CALLS = [
  'secretsmanager:GetSecretValue',
  'secretsmanager:TagResource',
  'iam:ListMFADeviceTags',
  'iam:DeactivateMFADevice',
  'iam:DeleteVirtualMFADevice',
];
const IN_PLACE_CALLS = [
  'iam:ListMFADeviceTags',
  'secretsmanager:GetSecretValue',
  'iam:TagMFADevice',
  'secretsmanager:PutSecretValue',
  'secretsmanager:DescribeSecret',
  'secretsmanager:UpdateSecretVersionStage',
  'iam:ListMFADevices',
];
const MOMENTS = ['before', 'after'] as const;

const everyCrash = (calls: readonly string[]) => calls.flatMap((call) => MOMENTS.map((moment) => ({ call, moment })));

/** The shipped bundle in a real Node 24 process, killed at each of its calls; Lambda's own retry has to heal it. */
describe('a function that is killed', () => {
  let aws: LocalAws;
  let inbox: Server;
  let inboxUrl = '';
  const waiting = new Map<string, (answer: Record<string, unknown>) => void>();
  let users = 0;

  beforeAll(async () => {
    aws = await startLocalAws({ asyncRetryDelaysMilliseconds: [10, 10] });
    inbox = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>;
        waiting.get(String(answer.RequestId))?.(answer);
        response.end();
      });
    });
    await new Promise<void>((listening) => inbox.listen(0, '127.0.0.1', listening));
    inboxUrl = `http://127.0.0.1:${(inbox.address() as AddressInfo).port}/`;

    const trust = { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' };
    const { Role } = await aws.account.invoke('iam', 'CreateRole', {
      RoleName: ROLE_NAME,
      AssumeRolePolicyDocument: JSON.stringify({ Statement: trust }),
    });
    await aws.lambda.createFunction(
      {
        FunctionName: FUNCTION_NAME,
        Role: (Role as { Arn: string }).Arn,
        Handler: 'index.handler',
        Runtime: 'nodejs24.x',
        Timeout: 300,
      },
      { source: readFileSync(join(__dirname, '../../dist/handler/index.js'), 'utf8') },
    );
  });

  afterAll(async () => {
    inbox.closeAllConnections();
    inbox.close();
    await aws.close();
  });

  const newUser = async () => {
    users += 1;
    const userName = `bob${users}`;
    await aws.account.invoke('iam', 'CreateUser', { UserName: userName });
    const { ARN } = await aws.account.invoke('secretsmanager', 'CreateSecret', {
      Name: `seed-${users}`,
      Tags: [
        { Key: 'cdk-iam-virtual-mfa:stack-id', Value: STACK_ID },
        { Key: 'cdk-iam-virtual-mfa:logical-id', Value: 'Mfa' },
        { Key: 'cdk-iam-virtual-mfa:user-name', Value: userName },
      ],
    });
    await putHandlerPolicies(aws, [userName, `eve${users}`]);
    return { userName, properties: { UserName: userName, SeedSecretArn: String(ARN) } };
  };
  let requests = 0;
  /** Signed at an hour of its own: requests follow one another in less than the second that tells them apart. */
  const responseUrl = () => {
    requests += 1;
    return signedUrl(inboxUrl, Date.UTC(2026, 0, 1, requests));
  };
  const send = async (event: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const RequestId = randomUUID();
    const answered = new Promise<Record<string, unknown>>((resolve) => waiting.set(RequestId, resolve));
    const request = { ...event, RequestId, ResponseURL: responseUrl(), StackId: STACK_ID, LogicalResourceId: 'Mfa' };
    aws.lambda.invokeAsync(FUNCTION_NAME, request);
    return answered;
  };
  /** Sends an event and waits for the function to be idle again, so that a kill later on befalls the later event alone. */
  const completed = async (event: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const RequestId = randomUUID();
    const answered = new Promise<Record<string, unknown>>((resolve) => waiting.set(RequestId, resolve));
    const context = { RequestId, ResponseURL: responseUrl(), StackId: STACK_ID, LogicalResourceId: 'Mfa' };
    await aws.lambda.invoke(FUNCTION_NAME, { ...event, ...context });
    return answered;
  };
  const created = async (properties: Record<string, string>): Promise<unknown> =>
    (await completed({ RequestType: 'Create', ResourceProperties: properties })).PhysicalResourceId;
  const killAt = (action: string, moment: 'before' | 'after') => {
    aws.account.faults.inject({
      action,
      moment,
      callerType: 'role',
      answer: 'connection reset',
      strike: () => aws.lambda.killRunning(FUNCTION_NAME),
    });
  };
  const currentSeed = async (secretArn: string): Promise<StoredSeed> => {
    const { SecretString } = await aws.account.invoke('secretsmanager', 'GetSecretValue', { SecretId: secretArn });
    return JSON.parse(String(SecretString)) as StoredSeed;
  };
  const enabledFor = (userName: string) => aws.iam.devicesOf(userName).map(({ serialNumber }) => serialNumber);
  const deviceCount = (userName: string) =>
    [...aws.iam.virtualMfaDevices.keys()].filter((serialNumber) => serialNumber.includes(`/${userName}-`)).length;

  test.each(everyCrash(CREATE_CALLS))(
    '$moment $call creates one enabled device all the same',
    async ({ call, moment }) => {
      const { userName, properties } = await newUser();
      killAt(call, moment);

      const answer = await send({ RequestType: 'Create', ResourceProperties: properties });

      expect(answer.Status).toBe('SUCCESS');
      expect(enabledFor(userName)).toEqual([answer.PhysicalResourceId]);
      expect(deviceCount(userName)).toBe(1);
      const stored = await currentSeed(properties.SeedSecretArn);
      expect(stored.serialNumber).toBe(answer.PhysicalResourceId);
      expect(aws.iam.device(stored.serialNumber).seed === stored.seed).toBe(true);
    },
  );

  test.each(everyCrash(REPLACEMENT_CALLS))(
    '$moment $call replaces the device all the same',
    async ({ call, moment }) => {
      const { userName, properties } = await newUser();
      const oldId = await created(properties);
      const rotated = { ...properties, RotationId: '2' };
      killAt(call, moment);

      const answer = await send({
        RequestType: 'Update',
        PhysicalResourceId: oldId,
        OldResourceProperties: properties,
        ResourceProperties: rotated,
      });
      // CloudFormation's clean-up.
      await send({ RequestType: 'Delete', PhysicalResourceId: oldId, ResourceProperties: properties });

      expect(answer.Status).toBe('SUCCESS');
      expect(answer.PhysicalResourceId).not.toBe(oldId);
      expect(enabledFor(userName)).toEqual([answer.PhysicalResourceId]);
      expect(deviceCount(userName)).toBe(1);
      const stored = await currentSeed(properties.SeedSecretArn);
      expect(stored.serialNumber).toBe(answer.PhysicalResourceId);
      expect(aws.iam.device(stored.serialNumber).seed === stored.seed).toBe(true);
    },
  );

  test.each(everyCrash(IN_PLACE_CALLS))('$moment $call changes the device in place all the same', async (crash) => {
    const { userName, properties } = await newUser();
    const PhysicalResourceId = await created(properties);
    killAt(crash.call, crash.moment);

    const answer = await send({
      RequestType: 'Update',
      PhysicalResourceId,
      OldResourceProperties: properties,
      ResourceProperties: { ...properties, Issuer: 'Elsewhere', Tags: [{ Key: 'team', Value: 'red' }] },
    });

    expect(answer.Status).toBe('SUCCESS');
    expect(answer.PhysicalResourceId).toBe(PhysicalResourceId);
    expect(enabledFor(userName)).toEqual([PhysicalResourceId]);
    expect(aws.iam.device(String(PhysicalResourceId)).tags.get('team')).toBe('red');
    const stored = await currentSeed(properties.SeedSecretArn);
    expect(stored.otpauthUri).toContain('issuer=Elsewhere');
    expect(aws.iam.device(stored.serialNumber).seed === stored.seed).toBe(true);
  });

  test.each(everyCrash(IN_PLACE_CALLS.concat('iam:DeactivateMFADevice', 'iam:DeleteVirtualMFADevice')))(
    '$moment $call rolls a replacement back all the same',
    async (crash) => {
      const { userName, properties } = await newUser();
      const PhysicalResourceId = await created(properties);
      const rotated = { ...properties, RotationId: '2' };
      const replacement = { RequestType: 'Update', PhysicalResourceId, OldResourceProperties: properties };
      await completed({ ...replacement, ResourceProperties: rotated });
      killAt(crash.call, crash.moment);

      // CloudFormation did not wait for the answer to the update, and knows the old id alone.
      const rollback = { RequestType: 'Update', PhysicalResourceId, OldResourceProperties: rotated };
      const answer = await send({ ...rollback, ResourceProperties: properties });

      expect(answer.Status).toBe('SUCCESS');
      expect(answer.PhysicalResourceId).toBe(PhysicalResourceId);
      expect(enabledFor(userName)).toEqual([PhysicalResourceId]);
      expect(deviceCount(userName)).toBe(1);
      const stored = await currentSeed(properties.SeedSecretArn);
      expect(stored.serialNumber).toBe(PhysicalResourceId);
      expect(aws.iam.device(stored.serialNumber).seed === stored.seed).toBe(true);
    },
  );

  test.each(everyCrash(DELETE_CALLS))('$moment $call deletes the device all the same', async ({ call, moment }) => {
    const { userName, properties } = await newUser();
    const PhysicalResourceId = await created(properties);
    killAt(call, moment);

    const answer = await send({ RequestType: 'Delete', PhysicalResourceId, ResourceProperties: properties });

    expect(answer.Status).toBe('SUCCESS');
    expect(deviceCount(userName)).toBe(0);
    await expect(aws.account.invoke('iam', 'DeleteUser', { UserName: userName })).resolves.toBeDefined();
  });
});

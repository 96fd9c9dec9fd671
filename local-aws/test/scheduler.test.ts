import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type LocalAws, startLocalAws } from '../src';

const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:target';
const MINUTE = 60_000;

describe('a schedule', () => {
  let aws: LocalAws;
  let now = Date.UTC(2026, 0, 15, 12);

  beforeEach(async () => {
    aws = await startLocalAws({ now: () => now });
  });
  afterEach(() => aws.close());

  const trust = (conditions: Readonly<Record<string, string>> = {}) => ({
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 'scheduler.amazonaws.com' },
      Action: 'sts:AssumeRole',
      Condition: { StringEquals: conditions },
    },
  });
  async function role(trustPolicy: object, mayInvoke = FUNCTION): Promise<string> {
    const RoleName = 'schedule';
    const AssumeRolePolicyDocument = JSON.stringify(trustPolicy);
    const { Role } = await aws.account.invoke('iam', 'CreateRole', { RoleName, AssumeRolePolicyDocument });
    const Statement = { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: mayInvoke };
    const PolicyDocument = JSON.stringify({ Statement });
    await aws.account.invoke('iam', 'PutRolePolicy', { RoleName, PolicyName: 'Invoke', PolicyDocument });
    return (Role as { Arn: string }).Arn;
  }
  const functionThat = async (does: string) => {
    const assumedBy = JSON.stringify({
      Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' },
    });
    const input = { RoleName: 'function', AssumeRolePolicyDocument: assumedBy };
    const { Role } = await aws.account.invoke('iam', 'CreateRole', input);
    await aws.lambda.createFunction(
      { FunctionName: 'target', Runtime: 'nodejs24.x', Handler: 'index.handler', Role: (Role as { Arn: string }).Arn },
      { source: `exports.handler = async (event) => { ${does} };` },
    );
  };
  const schedule = (roleArn: string, expression = 'rate(15 minutes)', input = '{"told":"tick"}') => ({
    name: 'watch',
    expression,
    isEnabled: true,
    target: { arn: FUNCTION, roleArn, input },
  });
  const logged = () => aws.logs.groups().flatMap(({ events }) => events.map(({ message }) => message));

  it('invokes its function at once, and then at its rate, with its input', async () => {
    await functionThat('console.log(event.told)');
    aws.scheduler.put(schedule(await role(trust())));

    const runs: number[] = [];
    for (let minutes = 0; minutes <= 45; minutes += 5) {
      if ((await aws.scheduler.runDue()).length > 0) runs.push(minutes);
      now += 5 * MINUTE;
    }

    expect(runs).toEqual([0, 15, 30, 45]);
    // What a function prints may come after its answer.
    await expect.poll(() => logged().filter((line) => line.includes('tick'))).toHaveLength(4);
  });

  it('lets its function see the time that the account sees', async () => {
    await functionThat('console.log(new Date().toISOString() + " " + new Date(0).toISOString() + " " + Date.now())');
    aws.scheduler.put(schedule(await role(trust())));
    aws.account.advanceClock(48 * 60 * MINUTE);
    const before = Date.now() + 48 * 60 * MINUTE;

    await aws.scheduler.runDue();

    await expect.poll(() => logged().join('\n')).toMatch(/1970-/);
    const [seen = '', epoch, milliseconds] = /\d{4}-\S+ 1970-\S+ \d+/.exec(logged().join('\n'))?.[0].split(' ') ?? [];
    expect(Date.parse(seen)).toBeGreaterThanOrEqual(before);
    expect(Number(milliseconds)).toBeLessThan(before + 5 * MINUTE);
    expect(epoch).toBe('1970-01-01T00:00:00.000Z');
  });

  it('makes up for no invocation that it has missed', async () => {
    await functionThat('');
    aws.scheduler.put(schedule(await role(trust())));
    now += 50 * MINUTE;

    expect(await aws.scheduler.runDue()).toEqual([{ schedule: 'watch' }]);
    now += 9 * MINUTE;
    expect(await aws.scheduler.runDue()).toEqual([]);
    now += MINUTE;
    expect(await aws.scheduler.runDue()).toEqual([{ schedule: 'watch' }]);
  });

  it('keeps its rhythm when it changes, and ends when it is deleted or disabled', async () => {
    await functionThat('');
    const watch = schedule(await role(trust()));
    aws.scheduler.put(watch);
    await aws.scheduler.runDue();
    aws.scheduler.put({ ...watch, target: { ...watch.target, input: '{}' } });
    expect(await aws.scheduler.runDue()).toEqual([]);

    now += 15 * MINUTE;
    aws.scheduler.put({ ...watch, isEnabled: false });
    expect(await aws.scheduler.runDue()).toEqual([]);
    aws.scheduler.put(watch);
    aws.scheduler.delete('watch');
    expect(await aws.scheduler.runDue()).toEqual([]);
  });

  it('tells that its function failed, or that its role may not invoke it', async () => {
    await functionThat('throw new Error("on purpose")');
    const roleArn = await role(trust(), `${FUNCTION}-other`);
    aws.scheduler.put(schedule(roleArn));

    const [denied] = await aws.scheduler.runDue();
    const Statement = { Effect: 'Allow', Action: 'lambda:InvokeFunction', Resource: FUNCTION };
    const policy = { RoleName: 'schedule', PolicyName: 'Invoke', PolicyDocument: JSON.stringify({ Statement }) };
    await aws.account.invoke('iam', 'PutRolePolicy', policy);
    now += 15 * MINUTE;
    const [failed] = await aws.scheduler.runDue();

    expect(denied?.error).toContain('is not authorized to perform: lambda:InvokeFunction');
    expect(failed?.error).toBe('on purpose');
  });

  it('lets in a role that trusts the account’s own default group of schedules', async () => {
    const source = {
      'aws:SourceAccount': '123456789012',
      'aws:SourceArn': 'arn:aws:scheduler:us-east-1:123456789012:schedule-group/default',
    };
    expect(aws.scheduler.put(schedule(await role(trust(source))))).toBe(
      'arn:aws:scheduler:us-east-1:123456789012:schedule/default/watch',
    );
  });

  it.each([
    ['trusts another account', trust({ 'aws:SourceAccount': '999999999999' })],
    [
      'trusts one schedule, which AWS does not tell',
      trust({ 'aws:SourceArn': 'arn:aws:scheduler:us-east-1:123456789012:schedule/default/watch' }),
    ],
    [
      'trusts Lambda',
      { Statement: { Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' } },
    ],
  ])('is refused with a role that %s', async (_what, trustPolicy) => {
    const roleArn = await role(trustPolicy);

    expect(() => aws.scheduler.put(schedule(roleArn))).toThrow(
      'must allow AWS EventBridge Scheduler to assume the role',
    );
  });

  it('is refused with an input that is no JSON, or larger than 256 KiB, and with another expression', async () => {
    const roleArn = await role(trust());

    expect(() => aws.scheduler.put(schedule(roleArn, undefined, 'no JSON'))).toThrow('well-formed JSON');
    expect(() => aws.scheduler.put(schedule(roleArn, undefined, `"${'x'.repeat(256 * 1024)}"`))).toThrow(
      'more than 262144',
    );
    expect(() => aws.scheduler.put(schedule(roleArn, 'cron(0 * * * ? *)'))).toThrow('cron(0 * * * ? *)');
    expect(() => aws.scheduler.put(schedule(roleArn, 'rate(1 minutes)'))).toThrow('Invalid Schedule Expression');
  });
});

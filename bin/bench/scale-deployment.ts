import type { StoredSeed } from '../../lambda/contract';
import { type CustomResourceEvent, type LocalAws, type RateLimit, startLocalAws } from '../../local-aws';
import { cdk } from '../cdk-command';

/** A stack with some devices, deployed into an account that throttles IAM. */
export interface ThrottledDeployment {
  /** Calls that IAM gets where none is refused: to create a device, and to enable it. */
  readonly neededCalls: number;
  readonly calls: number;
  readonly throttledCalls: number;
  /** What these calls take at the limit's rate, by whichever caller. */
  readonly limitSeconds: number;
  /** From CloudFormation's first event to the function's first call of IAM. */
  readonly secondsToFirstCall: number;
  /** From CloudFormation's first event to the last device that was enabled. */
  readonly seconds: number;
  /** Devices that are enabled, each for its own user, and whose seed is its secret's current value. */
  readonly workingDevices: number;
  /** Processes of the function, which are as many as events were under way at once. */
  readonly processes: number;
  /** Characters of the role's policies, without white space, as IAM counts them. */
  readonly policies: { readonly inline: number; readonly managed: readonly number[] };
}

/** Deploys an assembly of bin/bench/scale-app.ts with the real CDK CLI. */
export async function deployThrottled(
  assembly: string,
  devices: number,
  limit: RateLimit,
): Promise<ThrottledDeployment> {
  const localAws = await startLocalAws();
  try {
    const events: { readonly time: number; readonly event: CustomResourceEvent }[] = [];
    localAws.cloudFormation.onCustomResourceEvent((observation) => {
      if (observation.kind === 'event') events.push(observation);
    });
    localAws.account.throttling.limit('iam', limit);
    const { environment } = localAws;
    const { exitCode, output } = await cdk(['deploy', '--app', assembly, '--require-approval', 'never'], {
      environment,
      output: 'result',
    });
    if (exitCode !== 0) throw new Error(`cdk deploy failed:\n${output}`);

    const calls = localAws.account.calls
      .since()
      .filter(({ source, action }) => source === 'http' && action.startsWith('iam:'));
    const enabled = calls.filter(({ action, error }) => action === 'iam:EnableMFADevice' && error === undefined);
    const began = Math.min(...events.map(({ time }) => time));
    const neededCalls = 2 * devices;
    return {
      neededCalls,
      calls: calls.length,
      throttledCalls: calls.filter(({ error }) => error === 'Throttling').length,
      limitSeconds: Math.max(0, neededCalls - limit.burst) / limit.perSecond,
      secondsToFirstCall: (Math.min(...calls.map(({ time }) => time)) - began) / 1000,
      seconds: (Math.max(...enabled.map(({ answered }) => answered)) - began) / 1000,
      workingDevices: await workingDevices(
        localAws,
        events.map(({ event }) => event),
      ),
      processes: localAws.lambda.processCount,
      policies: policySizes(localAws),
    };
  } finally {
    await localAws.close();
  }
}

/** Asks inside the process: the limit holds over HTTP. */
async function workingDevices({ account, iam }: LocalAws, events: readonly CustomResourceEvent[]): Promise<number> {
  const working = await Promise.all(
    events.map(async ({ ResourceProperties: { UserName, SeedSecretArn: SecretId } }) => {
      const { SecretString } = await account.invoke('secretsmanager', 'GetSecretValue', { SecretId });
      const stored = JSON.parse(String(SecretString)) as StoredSeed;
      const enabled = iam.devicesOf(String(UserName));
      return enabled.length === 1 && enabled[0]?.seed === stored.seed && stored.userName === UserName;
    }),
  );
  return working.filter(Boolean).length;
}

function policySizes({ iam }: LocalAws): ThrottledDeployment['policies'] {
  const [role] = iam.roles.all().filter(({ name }) => name.startsWith('Scale-'));
  if (!role) throw new Error('The stack has no role');
  const sizeOf = (document: unknown) => JSON.stringify(document).replaceAll(/\s/g, '').length;
  return {
    inline: [...role.inlinePolicies.values()].reduce((sum, document) => sum + sizeOf(document), 0),
    managed: [...role.attachedPolicies].map((arn) => sizeOf(iam.documentOf(arn))),
  };
}

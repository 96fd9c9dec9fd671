import { App, aws_iam as iam, Stack } from 'aws-cdk-lib';
import type { CustomResourceEvent, LocalAws, RateLimit } from 'local-aws';
import cdkJson from '../../cdk.json';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { VirtualMfaDevice } from '../../lib';
import { deploy, withLocalAws } from './loopback';
import type { Section } from './report';

/** AWS publishes no figures for IAM's control plane: these are an assumption, on the slow side. */
const LIMIT: RateLimit = { perSecond: 5, burst: 10 };
const SIZES = [10, 50, 160];
/** Each device that is under way has a process of the function: more of them at once, and the cores are the limit, not IAM. */
const AT_ONCE = 50;

/** What more devices in a stack take of IAM's patience. */
export async function measureScale(): Promise<Section> {
  const rows: (string | number)[][] = [];
  for (const devices of SIZES) {
    rows.push(await withLocalAws((localAws, outdir) => deployDevices(localAws, outdir, devices)));
  }
  return {
    title: `Devices in one stack, IAM taking ${LIMIT.perSecond} calls a second and bursts of ${LIMIT.burst}`,
    head: ['devices', 'needed calls', 'at the rate (s)', 'from the first call (s)', 'calls ÷ needed', 'working'],
    rows,
    notes: [
      'AWS publishes no rate of IAM: the one here is an assumption. Needed are two calls a device, to create and to enable it; at the rate they take (needed - burst) ÷ rate. A refused call takes nothing from the rate.',
      `With more than ${AT_ONCE} devices, each waits for the one ${AT_ONCE} before it.`,
    ],
  };
}

async function deployDevices(localAws: LocalAws, outdir: string, devices: number): Promise<(string | number)[]> {
  const { account } = localAws;
  declareDevices(new App({ outdir, context: cdkJson.context }), devices).synth();
  account.throttling.limit('iam', LIMIT);
  const events = await deploy(localAws, ['--app', outdir]);
  const calls = account.calls.since().filter(({ source, action }) => source === 'http' && action.startsWith('iam:'));
  const enabled = calls.filter(({ action, error }) => action === 'iam:EnableMFADevice' && error === undefined);
  const firstCall = Math.min(...calls.map(({ time }) => time));
  const needed = 2 * devices;
  return [
    devices,
    needed,
    (Math.max(0, needed - LIMIT.burst) / LIMIT.perSecond).toFixed(1),
    ((Math.max(...enabled.map(({ answered }) => answered)) - firstCall) / 1000).toFixed(1),
    (calls.length / needed).toFixed(2),
    `${await workingDevices(localAws, events)} of ${devices}`,
  ];
}

/** One stack of users with a device each. Each device waits for the one so many before it: CloudFormation has no more of them under way. */
function declareDevices(app: App, devices: number): App {
  const stack = new Stack(app, 'Scale');
  const made: VirtualMfaDevice[] = [];
  for (let number = 1; number <= devices; number += 1) {
    const userName = `user-${number}`;
    const user = new iam.User(stack, userName, { userName });
    const device = new VirtualMfaDevice(stack, `${userName}-mfa`, { user });
    const before = made.at(-AT_ONCE);
    if (before) device.node.addDependency(before);
    made.push(device);
  }
  return app;
}

/** Devices that are enabled, each for its own user, and whose seed is its secret's. Asked in the process: the limit holds over HTTP. */
async function workingDevices({ account, iam }: LocalAws, events: readonly CustomResourceEvent[]): Promise<number> {
  const working = await Promise.all(
    events.map(async ({ ResourceProperties: { UserName, SeedSecretArn: SecretId } }) => {
      const { SecretString } = await account.invoke('secretsmanager', 'GetSecretValue', { SecretId });
      const stored = JSON.parse(String(SecretString)) as StoredSeed;
      const [enabled, ...others] = iam.devicesOf(String(UserName));
      if (enabled === undefined || others.length > 0) return false;
      return iam.device(enabled.serialNumber).seed === stored.seed && stored.userName === UserName;
    }),
  );
  return working.filter(Boolean).length;
}

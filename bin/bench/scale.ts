import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RateLimit } from '../../local-aws';
import type { Section } from './report';
import { deployThrottled, type ThrottledDeployment } from './scale-deployment';
import { synthesize, type Synthesis } from './scale-synthesis';

/** AWS publishes no figures for IAM's control plane: these are an assumption, on the slow side. */
const LIMIT: RateLimit = { perSecond: 5, burst: 10 };

const SIZES = [1, 10, 50, 160];
/** Each device that is under way has a process of the function: more of them at once, and the cores are the limit, not IAM. */
const AT_ONCE = 50;

const STACK = 'Scale';
/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
const INLINE_POLICIES_CHARACTERS = 10_240;
const MANAGED_POLICY_CHARACTERS = 6_144;

interface Measured {
  readonly devices: number;
  readonly synthesis: Synthesis;
  readonly templateBytes: number;
  readonly resources: number;
  readonly deployment: ThrottledDeployment;
}

/** What more devices in a stack take: of the app, of the limits, and of IAM's patience. */
export async function measureScale(): Promise<Section[]> {
  const measured: Measured[] = [];
  for (const devices of SIZES) measured.push(await measure(devices));
  return [synthesisSection(measured), deploymentSection(measured)];
}

async function measure(devices: number): Promise<Measured> {
  const outdir = mkdtempSync(join(tmpdir(), 'virtual-mfa-bench-'));
  const synthesized = async (context: Readonly<Record<string, number>>) =>
    synthesize('bin/bench/scale-app.ts', {
      outdir,
      context: Object.fromEntries(Object.entries(context).map(([name, value]) => [name, String(value)])),
      validation: false,
    });
  try {
    const synthesis = await synthesized({ devices });
    const template = readFileSync(join(outdir, `${STACK}.template.json`), 'utf8');
    const { Resources } = JSON.parse(template) as { readonly Resources: object };
    if (devices > AT_ONCE) await synthesized({ devices, atOnce: AT_ONCE });
    const deployment = await deployThrottled(outdir, devices, LIMIT);
    const [templateBytes, resources] = [Buffer.byteLength(template), Object.keys(Resources).length];
    return { devices, synthesis, templateBytes, resources, deployment };
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

function synthesisSection(measured: readonly Measured[]): Section {
  const first = measured[0];
  const bytesMore = ({ devices, templateBytes }: Measured) =>
    first === undefined || devices === first.devices
      ? '-'
      : ((templateBytes - first.templateBytes) / (devices - first.devices)).toFixed(0);
  return {
    title: 'Devices in one stack: synthesis, template, policies',
    head: [
      ...['devices', 'synth (ms)', 'CPU (ms)', 'peak (MB)', 'template (kB)', 'bytes per device more', 'resources'],
      ...['inline policies', 'managed policies'],
    ],
    rows: measured.map((size) => [
      size.devices,
      size.synthesis.milliseconds.toFixed(0),
      size.synthesis.cpuMilliseconds.toFixed(0),
      (size.synthesis.peakBytes / 1e6).toFixed(0),
      (size.templateBytes / 1000).toFixed(1),
      bytesMore(size),
      size.resources,
      size.deployment.policies.inline,
      size.deployment.policies.managed.join(' + '),
    ]),
    notes: [
      `Policies in characters, as deployed. IAM takes ${INLINE_POLICIES_CHARACTERS} in a role’s inline policies, and ${MANAGED_POLICY_CHARACTERS} in a managed one; CloudFormation takes 500 resources, and 1 MB of template.`,
    ],
  };
}

function deploymentSection(measured: readonly Measured[]): Section {
  return {
    title: `Devices in one stack: the deployment, IAM taking ${LIMIT.perSecond} calls a second, bursts of ${LIMIT.burst}`,
    head: [
      ...['devices', 'processes', 'calls needed', 'at the rate (s)', 'first call (s)', 'all enabled (s)'],
      ...['from the first call ÷ at the rate', 'calls ÷ needed', 'throttled', 'enabled, seed stored'],
    ],
    rows: measured.map(({ devices, deployment }) => [
      devices,
      deployment.processes,
      deployment.neededCalls,
      deployment.limitSeconds.toFixed(1),
      deployment.secondsToFirstCall.toFixed(1),
      deployment.seconds.toFixed(1),
      deployment.limitSeconds === 0
        ? '-'
        : ((deployment.seconds - deployment.secondsToFirstCall) / deployment.limitSeconds).toFixed(2),
      (deployment.calls / deployment.neededCalls).toFixed(2),
      deployment.throttledCalls,
      `${deployment.workingDevices} of ${devices}`,
    ]),
    notes: [
      'AWS publishes no rate of IAM: the one here is an assumption. Needed are two calls a device, to create and to enable it; at the rate they take (needed - burst) ÷ rate.',
      'Times count from CloudFormation’s first event. Until the first call the function’s processes start, all at once on the cores of this machine; Lambda has cores for each.',
      `With more than ${AT_ONCE} devices, each waits for the one ${AT_ONCE} before it. A refused call takes nothing from the rate.`,
    ],
  };
}

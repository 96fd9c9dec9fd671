import { join } from 'node:path';
import { type CustomResourceEvent, type LocalAws, nodeBinary } from 'local-aws';
import { basicFormat, newSeedSecret, type ResourceNames } from './loopback';
import { measureProcess, ROOT, type Usage } from './measured-process';

/** The function's code, as the package contains it. */
export const BUNDLE = join(ROOT, 'dist/handler/index.js');

/** An event; the process adds the rest of what CloudFormation sends. */
export interface FunctionEvent extends Pick<CustomResourceEvent, 'RequestType' | 'ResourceProperties'> {
  readonly OldResourceProperties?: CustomResourceEvent['ResourceProperties'];
  /** The place of the event whose answer gave the device's id. */
  readonly idOf?: number;
}

/** What the function did with one event. */
export interface AnsweredEvent {
  /** From the event to the answer. */
  readonly milliseconds: number;
  /** When both happened, in milliseconds since the epoch. */
  readonly sent: number;
  readonly answered: number;
  /** What one warm ListMFADevices by the bare SDK took, right after the event. */
  readonly bareCall?: number;
}

export interface FunctionRuns extends Usage {
  readonly load: number;
  readonly runs: readonly AnsweredEvent[];
}

/** The properties of the resource for a user, with a new secret. */
export async function newProperties(localAws: LocalAws, UserName: string): Promise<Readonly<Record<string, unknown>>> {
  return { UserName, SeedSecretArn: await newSeedSecret(localAws, resourceIn(localAws), UserName) };
}

/** Runs events of one resource in a new process, on the function's Node: local-aws must not share its event loop with those it serves. */
export async function runFunction(
  localAws: LocalAws,
  bundle: string,
  events: readonly FunctionEvent[],
  bareCallFor: readonly string[] = [],
): Promise<FunctionRuns> {
  const { account, environment } = localAws;
  const sent = events.map((event, place) => ({
    ...{ RequestId: `event-${place}`, ...resourceIn(localAws), ...event },
    // Events follow one another in less than the second that tells their order: each is dated a second after the last.
    ResponseURL: `?X-Amz-Date=${basicFormat(account.now() - 1_000 * (events.length - place))}`,
  }));
  const args = [join(__dirname, 'function-process.mjs'), bundle, JSON.stringify(sent), ...bareCallFor];
  const { usage, output } = await measureProcess(args, environment, nodeBinary());
  return { ...usage, ...(JSON.parse(output.split('\n').at(-1) ?? '') as Pick<FunctionRuns, 'load' | 'runs'>) };
}

function resourceIn({ account }: LocalAws): ResourceNames {
  return { StackId: account.arn('cloudformation', 'stack/bench/1'), LogicalResourceId: 'BenchMfa' };
}

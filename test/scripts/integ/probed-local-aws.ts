import { setTimeout as delay } from 'node:timers/promises';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { vi } from 'vitest';
import { type Probe, runProbes } from '../../../scripts/integ/probe';
import { type Clients, ProbedAccount } from '../../../scripts/integ/probed-account';
import { PROBES } from '../../../scripts/integ/probes';
import type { Clock } from '../../../lambda/contract/clock';
import { type AwsError, type Fault, type LocalAws, type LocalAwsOptions, startLocalAws } from 'local-aws';

export const IN_CLOUD_TRAIL = 'CloudTrail records no seed and no code';
export const IN_CHINA = 'In China kms:ViaService names Secrets Manager in one of two ways';
export const CHINA: LocalAwsOptions = { partition: 'aws-cn', region: 'cn-north-1' };

type Call = { readonly input: Record<string, unknown> };
type NextHandler = (args: Call) => Promise<{ readonly output: object; readonly response: unknown }>;

/** Changes the requests and the answers of an account, which then is not as AWS is. */
export interface Distortion {
  /** Of what, as a regular expression. */
  readonly command: RegExp;
  readonly request?: (input: Record<string, unknown>) => void;
  readonly answer?: (output: object) => object;
  readonly refusal?: (error: unknown) => object;
}

/** An account on loopback for probes, in which they wait in no time. */
export class ProbedLocalAws {
  private constructor(
    readonly localAws: LocalAws,
    private readonly clock: Clock,
  ) {}

  static async start(options: LocalAwsOptions = {}): Promise<ProbedLocalAws> {
    let ahead = 0;
    const clock: Clock = {
      now: () => Date.now() + ahead,
      sleep: async (milliseconds) => {
        ahead += milliseconds;
        await delay(20);
      },
    };
    let looks = 0;
    // Some time passes whenever the account looks at the clock: between the requests of a stack it does on AWS.
    const now = () => {
      looks += 1;
      return clock.now() + 100 * looks;
    };
    return new ProbedLocalAws(await startLocalAws({ ...options, now }), clock);
  }

  async run(probes: readonly Probe[], distortion?: Distortion) {
    const lines: string[] = [];
    const accountFor = async () => {
      const account = await ProbedAccount.connect(this.localAws.clientConfiguration, this.clock);
      if (distortion) distort(account, distortion);
      return account;
    };
    const exitCode = await runProbes(probes, accountFor, (line) => lines.push(line));
    return { exitCode, lines };
  }

  /** What is left of a probe in the account. */
  async remains(): Promise<readonly unknown[]> {
    const { iam, clientConfiguration } = this.localAws;
    const secretsManager = new SecretsManagerClient(clientConfiguration);
    const cloudFormation = new CloudFormationClient(clientConfiguration);
    const { SecretList = [] } = await secretsManager.send(new ListSecretsCommand({}));
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({}));
    secretsManager.destroy();
    cloudFormation.destroy();
    const roles = iam.roles.all().filter(({ name }) => name.includes('probe'));
    return [...iam.users.all(), ...iam.virtualMfaDevices.keys(), ...roles, ...SecretList, ...Stacks];
  }

  async close(): Promise<void> {
    await this.localAws.close();
  }
}

export function probeOf(assumption: string): Probe {
  const probe = PROBES.find((candidate) => candidate.assumption === assumption);
  if (!probe) throw new Error(`There is no probe of "${assumption}"`);
  return probe;
}

/** Every call of an action fails. */
export function always(action: string, answer: AwsError, callerType?: 'role'): Fault {
  return { action, answer, times: 1_000, ...(callerType === undefined ? {} : { callerType }) };
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
  const distortClients = ({ iam, sts, secretsManager, cloudFormation }: Clients) => {
    for (const { middlewareStack } of [iam, sts, secretsManager, cloudFormation]) {
      (middlewareStack as unknown as { add(added: typeof middleware): void }).add(middleware);
    }
  };
  distortClients(account);
  const as = account.as.bind(account);
  vi.spyOn(account, 'as').mockImplementation((credentials) => {
    const clients = as(credentials);
    distortClients(clients);
    return clients;
  });
}

import { mkdtempSync, rmSync, type Stats } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { expect, vi } from 'vitest';
import type { Clock } from '../../../lambda/contract/clock';
import { run } from '../../../bin/virtual-mfa/program';
import { clientsOf, keyOf, signIn, type SigningCredentials } from '../../../local-aws/test/callers';
import type { Properties } from '../../lambda/handler-stack';
import { Lifecycle } from '../../lambda/lifecycle';
import { Subject } from '../../lambda/subject';

/** More than local-aws's STS takes to learn of a device, in whole seconds: the dates in HTTP have no others. */
const STS_KNOWS_AFTER_MILLISECONDS = 8_000;

/** How a command ended, and what it printed. */
export interface Ended {
  readonly exitCode: number;
  readonly output: string;
  readonly messages: string;
}

/** What is special about the machine that a command runs on. */
export interface MachineOptions {
  /** Milliseconds by which its clock is ahead of AWS's. */
  readonly clockAhead?: number;
  /** Interrupts the command as it begins to wait for this time. */
  readonly interruptAtWait?: number;
  /** Called as the command waits. */
  readonly atWait?: () => unknown;
  readonly isTerminal?: boolean;
  /** What is typed, or comes through a pipe. */
  readonly input?: string;
  readonly outputStats?: () => Stats;
  readonly home?: string;
  /** The user that the command runs as, by the process's own account: what this user owns is then another's. */
  readonly uid?: number;
}

/**
 * The commands on a machine whose time is the test's, and an account with the real handler behind it. Commands run in this process,
 * with the real SDK over HTTP.
 */
export class CommandLine {
  /** The user's home directory. */
  readonly home = mkdtempSync(join(tmpdir(), 'virtual-mfa-home-'));
  /** Milliseconds that the last command waited for. */
  waits: number[] = [];
  /** Everything that commands printed which have no business with a seed. */
  #printed = '';

  private constructor(readonly lifecycle: Lifecycle) {}

  static async start(): Promise<CommandLine> {
    return new CommandLine(await Lifecycle.start());
  }

  /** A user with a device that is enabled, and that STS knows of. */
  async enrolled(properties: Properties = {}): Promise<Subject> {
    const subject = await this.justEnrolled(properties);
    this.lifecycle.clock.advance(STS_KNOWS_AFTER_MILLISECONDS);
    return subject;
  }

  /** A user with a device that was enabled in this moment. */
  async justEnrolled(properties: Properties = {}): Promise<Subject> {
    const subject = await Subject.in(this.lifecycle);
    const { answer } = await subject.create(properties);
    expect(answer.Status).toBe('SUCCESS');
    return subject;
  }

  /** Runs a command as the account's root, or with other credentials. */
  async run(args: readonly string[], options: MachineOptions = {}, as?: SigningCredentials): Promise<Ended> {
    const { aws } = this.lifecycle;
    const credentials: SigningCredentials = as ?? aws.credentials;
    const environment = {
      ...aws.environment,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_SESSION_TOKEN: credentials.sessionToken,
    };
    return this.runIn(environment, args, options);
  }

  /** Runs a command in an environment of its own. */
  async runIn(
    environment: Readonly<Record<string, string | undefined>>,
    args: readonly string[],
    options: MachineOptions = {},
  ): Promise<Ended> {
    for (const name of Object.keys(process.env).filter((key) => /^AWS_|^VIRTUAL_MFA_/.test(key))) {
      vi.stubEnv(name, undefined);
    }
    for (const [name, value] of Object.entries({ ...environment, HOME: options.home ?? this.home }))
      vi.stubEnv(name, value);
    this.waits = [];
    const output = new Recorder(options.isTerminal);
    const messages = new Recorder(options.isTerminal);
    const interrupted = new AbortController();
    const { interruptAtWait, atWait, clockAhead = 0, outputStats = () => undefined } = options;
    const clock: Clock = {
      now: () => this.lifecycle.clock.now() + clockAhead,
      sleep: async (milliseconds) => {
        this.waits.push(milliseconds);
        await atWait?.();
        this.lifecycle.clock.advance(milliseconds);
        if (this.waits.length !== interruptAtWait) return;
        interrupted.abort();
        throw new DOMException('interrupted', 'AbortError');
      },
    };
    const asUser = options.uid === undefined ? undefined : vi.spyOn(process, 'getuid').mockReturnValue(options.uid);
    try {
      const input = Object.assign(Readable.from([options.input ?? '']), { isTTY: options.isTerminal ?? false });
      const terminal = { output, messages, outputStats };
      const exitCode = await run(args, { terminal, input, clock, signal: interrupted.signal, version: '1.2.3' });
      this.#printed += messages.text + (args[0] === 'qr' ? '' : output.text);
      return { exitCode, output: output.text, messages: messages.text };
    } finally {
      asUser?.mockRestore();
      vi.unstubAllEnvs();
    }
  }

  /** An access key of a user, who may do what the statements say. */
  async keyOf(userName: string, ...statements: readonly object[]): Promise<SigningCredentials> {
    const { aws } = this.lifecycle;
    if (statements.length > 0) {
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: statements });
      await aws.account.invoke('iam', 'PutUserPolicy', { UserName: userName, PolicyName: 'own', PolicyDocument });
    }
    return keyOf(aws, userName);
  }

  /** Signs in at STS with a code: resolves only if the code is taken. */
  async signIn({ userName }: Subject, serialNumber: string, code: string): Promise<void> {
    const { aws } = this.lifecycle;
    await signIn(clientsOf(aws, keyOf(aws, userName)), { SerialNumber: serialNumber, TokenCode: code });
  }

  /** A user without a device, who may do what the statements say. */
  async keyOfOperator(userName: string, ...statements: readonly object[]): Promise<SigningCredentials> {
    await this.lifecycle.aws.account.invoke('iam', 'CreateUser', { UserName: userName });
    return this.keyOf(userName, ...statements);
  }

  /** Makes the stored seed another than the device's, as somebody would who writes another value into the secret. */
  giveAnotherSeed(subject: Subject): void {
    const device = subject.device();
    if (!device) throw new Error('there is no device');
    const { iam } = this.lifecycle.aws;
    const another = { ...device, seed: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' };
    iam.virtualMfaDevices.set(device.serialNumber, another);
    iam.publishBinding(another);
    this.lifecycle.clock.advance(STS_KNOWS_AFTER_MILLISECONDS);
  }

  /** How often an action arrived. */
  callsOf(action: string): number {
    return this.lifecycle.aws.account.calls.since(0).filter((call) => call.action === action).length;
  }

  /** Whether a seed was printed by a command whose job that is not. */
  async expectNoSeedPrinted(...subjects: readonly Subject[]): Promise<void> {
    for (const subject of subjects) {
      const seed = (await subject.stored())?.seed;
      expect(seed).toMatch(/^[A-Z2-7]{32,}/);
      expect(this.#printed).not.toContain(seed);
    }
  }

  async close(): Promise<void> {
    rmSync(this.home, { recursive: true, force: true });
    await this.lifecycle.close();
  }
}

/** A stream that keeps what is written to it. */
class Recorder extends Writable {
  text = '';
  readonly columns = 80;

  constructor(readonly isTTY = false) {
    super();
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

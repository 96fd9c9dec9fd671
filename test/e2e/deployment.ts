import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IAMClient } from '@aws-sdk/client-iam';
import { GetSecretValueCommand, ListSecretsCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { App } from 'aws-cdk-lib';
import cdkJson from '../../cdk.json';
import { cdk, type CdkRun } from '../../bin/cdk-command';
import { declareUsers } from '../../bin/mfa-users/users-app';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { type CustomResourceObservation, type LocalAws, type LocalAwsOptions, startLocalAws } from 'local-aws';
import { clientsOf, sessionOf } from '../../local-aws/test/callers';
import { cdkInProcess } from './cdk-in-process';

export const DEPLOY = ['deploy', '--require-approval', 'never'];

/** What the CLI adds to the context of an app that it runs. */
const CLI_CONTEXT = {
  'aws:cdk:enable-path-metadata': true,
  'aws:cdk:enable-asset-metadata': true,
  'aws:cdk:version-reporting': false,
};

/** Declares the stacks of an app. */
export type Declaration = (app: App) => void;

/**
 * An account, and an app deployed into it by the real CDK CLI. App and CLI run in this process, where both are loaded once: in processes
 * of their own each step would take seconds more.
 */
export class Deployment {
  readonly observations: CustomResourceObservation[] = [];
  /** Everything that the CLI printed. */
  printed = '';
  readonly iam: IAMClient;
  readonly secretsManager: SecretsManagerClient;
  #logged = '';
  /** The folder that the app is synthesized into. */
  readonly assembly = mkdtempSync(join(tmpdir(), 'virtual-mfa-e2e-'));

  private constructor(
    readonly localAws: LocalAws,
    private readonly declare: Declaration,
  ) {
    ({ iam: this.iam, secretsManager: this.secretsManager } = clientsOf(localAws, localAws.credentials));
    localAws.cloudFormation.onCustomResourceEvent((observation) => this.observations.push(observation));
  }

  static async start(options: LocalAwsOptions = {}, declare: Declaration = listedUsers): Promise<Deployment> {
    // Nobody waits for the CLI to ask again how far a stack is. The demo shows that it does.
    return new Deployment(await startLocalAws({ describesStacksAtRest: true, ...options }), declare);
  }

  /** Runs the CLI's code on the app with its context, which is given as `name=value`. */
  async cdk(command: readonly string[], ...context: readonly string[]): Promise<CdkRun> {
    this.synthesize(context);
    const run = await cdkInProcess([...command, '--app', this.assembly], this.localAws.environment);
    this.remember(run.output);
    return run;
  }

  /** Runs the CLI as people do, in a process of its own, where it runs the app of cdk.json, to create the users of the context. */
  async cdkWithApp(command: readonly string[], ...context: readonly string[]): Promise<CdkRun> {
    const values = ['createUsers=true', ...context].flatMap((value) => ['-c', value]);
    const { environment } = this.localAws;
    const run = await cdk([...command, '--output', this.assembly, ...values], { environment });
    this.remember(run.output);
    return run;
  }

  async deploy(...context: readonly string[]): Promise<CdkRun> {
    return this.cdk(DEPLOY, ...context);
  }

  async destroy(...context: readonly string[]): Promise<CdkRun> {
    return this.cdk(['destroy', '--force'], ...context);
  }

  /** The seeds in the account's secrets. */
  async storedSeeds(): Promise<readonly StoredSeed[]> {
    const { SecretList = [] } = await this.secretsManager.send(new ListSecretsCommand({}));
    return Promise.all(
      SecretList.map(async ({ ARN }) => {
        const { SecretString = '' } = await this.secretsManager.send(new GetSecretValueCommand({ SecretId: ARN }));
        return JSON.parse(SecretString) as StoredSeed;
      }),
    );
  }

  /** Serial numbers of the devices that are enabled for a user. */
  enabledFor(userName: string): readonly string[] {
    return this.localAws.iam.devicesOf(userName).map(({ serialNumber }) => serialNumber);
  }

  /** Names of the actions that the handler called since a moment, failed ones with their error. */
  handlerCalls(since = 0): readonly string[] {
    return this.localAws.account.calls
      .since(since)
      .filter(({ caller }) => /:assumed-role\/VirtualMfa(Stack|Users)-/.test(caller))
      .map(({ action, error }) => (error === undefined ? action : `${action} ${error}`));
  }

  /** A client of IAM with the handler's own role. */
  iamOfHandler(): IAMClient {
    const handlerRole = this.localAws.iam.roles.all().find(({ name }) => /^VirtualMfa(Stack|Users)-/.test(name));
    if (!handlerRole) throw new Error('The stack has no role');
    return clientsOf(this.localAws, sessionOf(this.localAws, handlerRole.name, 'handler')).iam;
  }

  /** Keeps what the CLI printed, and what the functions logged: their log groups go with the stack. */
  remember(printed: string): void {
    this.printed += printed;
    const messages = this.localAws.logs.groups().flatMap(({ events }) => events.map(({ message }) => message));
    this.#logged += messages.join('\n');
  }

  /** Every text that left the account other than as the secret: what the CLI printed, templates, answers, logs. */
  everythingPublic(): string {
    const templates = readdirSync(this.assembly)
      .filter((file) => file.endsWith('.json'))
      .map((file) => readFileSync(join(this.assembly, file), 'utf8'));
    return [this.printed, ...templates, this.#logged, JSON.stringify(this.observations)].join('\n');
  }

  async stop(): Promise<void> {
    await this.localAws.close();
    rmSync(this.assembly, { recursive: true, force: true });
  }

  private synthesize(context: readonly string[]): void {
    const given = Object.fromEntries(context.map((text) => text.split('=') as [name: string, value: string]));
    const app = new App({ outdir: this.assembly, context: { ...cdkJson.context, ...CLI_CONTEXT, ...given } });
    this.declare(app);
    app.synth();
  }
}

/** Creates the users of the context `users`, as the app of cdk.json does; but records them nowhere. */
function listedUsers(app: App): void {
  app.node.setContext('createUsers', 'true');
  declareUsers(app, { recording: { writable: true, write: () => true, warn: () => undefined } });
}

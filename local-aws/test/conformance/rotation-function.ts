import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { setImmediate as turn } from 'node:timers/promises';
import type { RotationEvent } from '../../src';
import type { StrictAccount } from '../strict-account';

interface Invocation {
  readonly event: RotationEvent;
  readonly end: (error?: Error) => void;
}

/** What the function logs of an invocation. */
interface Callback extends Pick<RotationEvent, 'Step' | 'ClientRequestToken' | 'RotationToken'> {
  readonly VersionIdsToStages?: Readonly<Record<string, readonly string[]>> | undefined;
  readonly Failed?: boolean;
}

/** The rotation function of the recording, in this process: an invocation waits until the scenario runs it. */
export class RotationFunction {
  readonly #waiting: Invocation[] = [];

  constructor(private readonly account: StrictAccount) {
    account.localAws.secretsManager.onRotation(
      (_functionArn, event) =>
        new Promise((resolve, reject) => {
          this.#waiting.push({ event, end: (error) => (error ? reject(error) : resolve()) });
        }),
    );
  }

  /** Runs the next invocation, and returns when Secrets Manager knows how it ended. */
  async run(): Promise<Callback> {
    while (this.#waiting.length === 0) await turn();
    const { event, end } = this.#waiting.shift() as Invocation;
    const { Step, ClientRequestToken, RotationToken } = event;
    const logged = { Step, ClientRequestToken, RotationToken };
    try {
      const VersionIdsToStages = await this.#rotate(event);
      end();
      return { ...logged, VersionIdsToStages };
    } catch (thrown) {
      end(thrown as Error);
      return { ...logged, Failed: true };
    } finally {
      await turn();
    }
  }

  async #rotate({ Step, SecretId, ClientRequestToken, RotationToken }: RotationEvent) {
    const { secretsManager } = this.account;
    const { RotationEnabled, VersionIdsToStages = {} } = await secretsManager.send(
      new DescribeSecretCommand({ SecretId }),
    );
    if (!RotationEnabled) throw new Error('Rotation is not enabled');
    const current = await secretsManager.send(new GetSecretValueCommand({ SecretId }));
    const { generation, ...others } = JSON.parse(current.SecretString ?? '') as { readonly generation: number };
    const pending = { SecretId, VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' };
    switch (Step) {
      case 'createSecret': {
        const SecretString = JSON.stringify({ generation: generation + 1, ...others });
        const version = { SecretId, SecretString, ClientRequestToken, RotationToken, VersionStages: ['AWSPENDING'] };
        await secretsManager.send(new PutSecretValueCommand(version));
        break;
      }
      case 'setSecret':
      case 'testSecret':
        await secretsManager.send(new GetSecretValueCommand(pending));
        break;
      case 'finishSecret': {
        const move = { MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current.VersionId };
        const VersionStage = 'AWSCURRENT';
        await secretsManager.send(new UpdateSecretVersionStageCommand({ SecretId, VersionStage, ...move }));
      }
    }
    return VersionIdsToStages;
  }
}

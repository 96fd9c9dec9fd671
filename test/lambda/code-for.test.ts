import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { type LocalAws, startLocalAws } from 'local-aws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeFor } from '../../lambda/code/code-for';
import { storedSeedOf } from '../../lambda/contract/stored-seed';
import { inProcessRequests } from '../in-process-requests';

/** RFC 6238's own seed: `12345678901234567890` as base32. */
const SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const DEVICE = {
  serialNumber: 'arn:aws:iam::123456789012:mfa/Bob',
  userName: 'Bob',
  issuer: 'Example Corp',
  accountId: '123456789012',
};
const FUNCTION = 'arn:aws:lambda:us-east-1:123456789012:function:codes';

describe('the function that gives out codes', () => {
  let localAws: LocalAws;
  let secretsManager: SecretsManagerClient;
  beforeAll(async () => {
    localAws = await startLocalAws();
    const requestHandler = inProcessRequests(localAws);
    secretsManager = new SecretsManagerClient({ ...localAws.clientConfiguration, requestHandler, maxAttempts: 1 });
  });
  afterAll(() => localAws.close());

  async function secretWith(SecretString: string): Promise<string> {
    const Name = `Seed-${Math.random().toString(36).slice(2)}`;
    const { ARN } = await localAws.account.invoke('secretsmanager', 'CreateSecret', { Name, SecretString });
    return String(ARN);
  }

  const aliasOf = (secretArn: string) => `${FUNCTION}:${secretArn.split(':').at(-1)}`;
  const at = (now: number) => ({ now: () => now });

  // RFC 6238, appendix B, without the first two of eight digits.
  it.each([
    [59_000, '287082', 1],
    [1_111_111_109_000, '081804', 1],
    [1_111_111_110_000, '050471', 30],
    [1_111_111_111_999, '050471', 29],
    [20_000_000_000_000, '353130', 10],
  ])('gives out the code of the moment %i, and how long it lasts', async (moment, code, secondsLeft) => {
    const secret = await secretWith(JSON.stringify(storedSeedOf(DEVICE, SEED)));

    const { serialNumber, userName } = DEVICE;
    expect(await codeFor(aliasOf(secret), secretsManager, at(moment))).toEqual({
      ...{ code, secondsLeft, serialNumber, userName },
    });
  });

  it.each([FUNCTION, `${FUNCTION}:$LATEST`, `${FUNCTION}:7`, `${FUNCTION}:live`, '', `${FUNCTION}:Seed:a-AbCdEf`])(
    'needs an alias that names a secret, and gets %j',
    async (arn) => {
      await expect(codeFor(arn, secretsManager, at(0))).rejects.toThrow("Got an invocation without a device's alias");
    },
  );

  it.each([
    ['not a stored seed', 'p4ssw0rd'],
    ['a seed that its URI does not have', JSON.stringify({ ...storedSeedOf(DEVICE, SEED), seed: `${SEED}AAAA` })],
  ])('tells of a secret with %s, and nothing of its value', async (_what, value) => {
    const secret = await secretWith(value);

    const refused = codeFor(aliasOf(secret), secretsManager, at(0));

    await expect(refused).rejects.toThrow(`The secret ${secret} holds no seed of a device.`);
    await expect(refused).rejects.not.toThrow(/p4ssw0rd|GEZDG/);
  });

  it('says what Secrets Manager answers where there is no secret', async () => {
    await expect(codeFor(`${FUNCTION}:Seed-AbCdEf`, secretsManager, at(0))).rejects.toThrow(
      'Secrets Manager does not give the seed out of arn:aws:secretsmanager:us-east-1:123456789012:secret:Seed-AbCdEf: ' +
        'ResourceNotFoundException.',
    );
  });
});

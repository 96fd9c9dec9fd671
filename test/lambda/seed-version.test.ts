import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deviceMark, deviceMarkIn, isSeedVersionId, seedVersionId } from '../../lambda/contract/seed-version';

const TIME = '20260115T120007Z';
const PHONE = 'arn:aws:iam::123456789012:mfa/phone';

describe('the id of a version', () => {
  it('tells the time and the device, is one that Secrets Manager takes, and is another one each time', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.stringMatching(/^[\w+=,.@-]{1,64}$/), (uuid, other, name) => {
        const serialNumber = `arn:aws:iam::123456789012:mfa/${name}`;
        const id = seedVersionId(TIME, uuid, serialNumber);
        expect(id.startsWith(`${TIME}-`)).toBe(true);
        // ClientRequestToken has 32 to 64 characters.
        expect(id).toHaveLength(53);
        expect(isSeedVersionId(id)).toBe(true);
        expect(deviceMarkIn(id)).toBe(deviceMark(serialNumber));
        expect(deviceMarkIn(id)).not.toBe(deviceMark(`${serialNumber}-2`));
        if (uuid.slice(0, 24) !== other.slice(0, 24)) expect(seedVersionId(TIME, other, serialNumber)).not.toBe(id);
      }),
    );
  });

  it('stays the same for the same device: stacks that are deployed have such ids', () => {
    const id = seedVersionId(TIME, '6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11', PHONE);
    expect(id).toBe('20260115T120007Z-6f1c0c1e-5f5d-4a53-9d0b-490311a1f451');
  });

  it.each(['', 'AWSCURRENT', '6f1c0c1e-5f5d-4a53-9d0b-0d7e5f3f2a11', `${TIME}-${'0'.repeat(36)}`])(
    'is not %j',
    (versionId) => {
      expect(isSeedVersionId(versionId)).toBe(false);
      expect(deviceMarkIn(versionId)).toBeUndefined();
    },
  );
});

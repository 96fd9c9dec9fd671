import { describe, expect, test } from 'vitest';
import { storedSeedIn, storedSeedOf } from '../../lambda/contract/stored-seed';

const SEED = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const OWNER = {
  serialNumber: 'arn:aws:iam::123456789012:mfa/Bob',
  userName: 'Bob',
  issuer: 'Amazon Web Services',
  accountId: '123456789012',
};
const STORED = storedSeedOf(OWNER, SEED);

describe('a stored seed', () => {
  // Secrets of deployed stacks hold it: with another spelling, after an upgrade of otplib, none of them would be read.
  test('has a URI whose spelling never changes', () => {
    expect(storedSeedOf({ ...OWNER, userName: 'Bob+=,.@-_', issuer: "Fish & Chips' (GmbH)+ü" }, SEED).otpauthUri).toBe(
      "otpauth://totp/Fish%20%26%20Chips'%20(GmbH)%2B%C3%BC:Bob%2B%3D%2C.%40-_%40123456789012" +
        `?secret=${SEED}&issuer=Fish%20%26%20Chips'%20(GmbH)%2B%C3%BC`,
    );
  });

  test.each([
    ['an issuer', 'Amazon Web Services'],
    ['an issuer of all signs', '!"#$%&\'()*+,-./;<=>?@[\\]^_`{|}~ ü漢😀'],
    ['the longest issuer', '漢'.repeat(128)],
  ])('is read as it was stored, with %s', (_what, issuer) => {
    const stored = storedSeedOf({ ...OWNER, issuer }, SEED);

    expect(storedSeedIn(JSON.stringify(stored))).toEqual(stored);
  });

  test.each([
    ['a second seed', `${STORED.otpauthUri}&secret=GEZDGNBVGEZDGNBVGEZDGNBVGEZDGNBV`],
    ['a seed before it', STORED.otpauthUri.replace('?', '?secret=GEZDGNBVGEZDGNBVGEZDGNBVGEZDGNBV&')],
    ['eight digits', `${STORED.otpauthUri}&digits=8`],
    ['a period of a minute', `${STORED.otpauthUri}&period=60`],
    ['another algorithm', `${STORED.otpauthUri}&algorithm=SHA256`],
    ['a fragment', `${STORED.otpauthUri}#x`],
    ['another user in its label', STORED.otpauthUri.replace('Bob', 'Eve')],
    ['another account in its label', STORED.otpauthUri.replace('123456789012', '210987654321')],
    ['another issuer in its label', STORED.otpauthUri.replace('Amazon', 'Example')],
    ['no issuer', `otpauth://totp/Bob%40123456789012?secret=${SEED}`],
    ['an escape sequence in the issuer', storedSeedOf({ ...OWNER, issuer: '\u001b[2J' }, SEED).otpauthUri],
    ['a label that cannot be decoded', `otpauth://totp/%zz?secret=${SEED}`],
    ['counters instead of the time', STORED.otpauthUri.replace('totp', 'hotp')],
    ['no form of a URI', 'otpauth'],
  ])('is none where the URI has %s', (_what, otpauthUri) => {
    expect(otpauthUri).not.toBe(STORED.otpauthUri);
    expect(storedSeedIn(JSON.stringify({ ...STORED, otpauthUri }))).toBeUndefined();
  });
});

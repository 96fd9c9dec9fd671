import { generateURI } from 'otplib/functional';
import { PROPERTY_RULES } from './property-rules';
import { partsOfSerialNumber } from './serial-number';

/** The value of a device's secret: a JSON document with these members. */
export interface StoredSeed {
  /** The device's serial number (its ARN). */
  readonly serialNumber: string;
  /** The user the device was made for. */
  readonly userName: string;
  /** The Base32StringSeed of CreateVirtualMFADevice, as base32 text. */
  readonly seed: string;
  /** Key URI for authenticator apps. */
  readonly otpauthUri: string;
}

/** What a seed is stored with. */
export interface SeedOwner {
  readonly serialNumber: string;
  readonly userName: string;
  /** What an authenticator app shows above the label. */
  readonly issuer: string;
  readonly accountId: string;
}

/** What is stored for a device. */
export function storedSeedOf({ serialNumber, userName, issuer, accountId }: SeedOwner, seed: string): StoredSeed {
  const otpauthUri = generateURI({ issuer, label: `${userName}@${accountId}`, secret: seed });
  return { serialNumber, userName, seed, otpauthUri };
}

/** The issuer in a key URI of `storedSeedOf`. */
export function issuerIn(otpauthUri: string): string {
  return new URL(otpauthUri).searchParams.get('issuer') ?? '';
}

/**
 * Reads a secret's value; undefined where it is not what `storedSeedOf` makes. Whoever may write to the secret can put anything there,
 * and what is read here is computed with, compared, and shown in a terminal.
 */
export function storedSeedIn(secretString = ''): StoredSeed | undefined {
  let value: Readonly<Record<string, unknown>> | null;
  try {
    value = JSON.parse(secretString) as Readonly<Record<string, unknown>> | null;
  } catch {
    return undefined;
  }
  const isWhole = Object.entries(MEMBERS).every(([name, accepts]) => {
    const member = value?.[name];
    return typeof member === 'string' && accepts(member);
  });
  const stored = value as unknown as StoredSeed;
  return isWhole && isOwnUri(stored) ? stored : undefined;
}

/** Whether text is a seed in base32, of 128 bits at least, as RFC 4226 wants them. */
export function isSeed(text: string): boolean {
  return /^[A-Z2-7]{26,256}=*$/.test(text);
}

const MEMBERS: Readonly<Record<keyof StoredSeed, (member: string) => boolean>> = {
  serialNumber: (member) => partsOfSerialNumber(member) !== undefined,
  userName: (member) => PROPERTY_RULES.UserName.accepts(member),
  seed: isSeed,
  otpauthUri: (member) => URL.canParse(member),
};

/** Whether the URI is the one that `storedSeedOf` makes, with any issuer: apps differ in what they read of another one. */
function isOwnUri({ serialNumber, userName, seed, otpauthUri }: StoredSeed): boolean {
  const issuer = issuerIn(otpauthUri);
  const { accountId = '' } = partsOfSerialNumber(serialNumber) ?? {};
  return (
    PROPERTY_RULES.Issuer.accepts(issuer) &&
    storedSeedOf({ serialNumber, userName, issuer, accountId }, seed).otpauthUri === otpauthUri
  );
}

import { generateURI } from 'otplib/functional';
import type { StoredSeed } from '../contract';
import type { EnrollmentRequest } from '../enrollment-request';

/** What is stored for a device. */
export function storedSeedOf(request: EnrollmentRequest, seed: string): StoredSeed {
  const { serialNumber, userName, issuer, accountId } = request;
  const otpauthUri = generateURI({ issuer, label: `${userName}@${accountId}`, secret: seed });
  return { serialNumber, userName, seed, otpauthUri };
}

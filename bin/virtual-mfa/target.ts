import { kindOf, PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { partsOfSerialNumber } from '../../lambda/contract/serial-number';
import { CommandFailure } from './command-failure';
import type { ManagedDevice } from './inventory';

/** What a command is told to work on. */
export type Target =
  | { readonly kind: 'user'; readonly userName: string }
  | { readonly kind: 'device'; readonly serialNumber: string }
  | { readonly kind: 'secret'; readonly secretArn: string; readonly region: string };

const SECRET = /^arn:[\w-]+:secretsmanager:([\w-]+):\d{12}:secret:./;

/** Tells by its form whether text names a user, a device or a secret. */
export function readTarget(text: string): Target {
  if (partsOfSerialNumber(text)) return { kind: 'device', serialNumber: text };
  const [, region] = SECRET.exec(text) ?? [];
  if (region !== undefined) return { kind: 'secret', secretArn: text, region };
  if (PROPERTY_RULES.UserName.accepts(text)) return { kind: 'user', userName: text };
  throw new CommandFailure(
    'usage',
    `The argument, ${kindOf(text)}, names no user, device or secret.`,
    'Give the name of an IAM user, the serial number (ARN) of a device, or the ARN of the secret with its seed.',
  );
}

/** Whether a device is the one that a command was told to work on. */
export function isTargetOf(target: Target): (device: ManagedDevice) => boolean {
  switch (target.kind) {
    case 'user':
      return ({ userName }) => userName?.toLowerCase() === target.userName.toLowerCase();
    case 'device':
      return ({ serialNumber }) => serialNumber === target.serialNumber;
    case 'secret':
      return ({ seedSecretArn }) => seedSecretArn === target.secretArn;
  }
}

/** The longest serial number IAM takes; it begins with `arn:<partition>:iam::<account>:mfa`, so path and name share the rest. */
export const SERIAL_NUMBER_MAX_LENGTH = 256;

/** What a virtual device's serial number, its ARN, consists of. */
export interface SerialNumberParts {
  readonly partition: string;
  readonly accountId: string;
  readonly path: string;
  readonly virtualMfaDeviceName: string;
}

/** What CreateVirtualMFADevice will answer for this path and name. */
export function serialNumberOf({ partition, accountId, path, virtualMfaDeviceName }: SerialNumberParts): string {
  return `arn:${partition}:iam::${accountId}:mfa${path}${virtualMfaDeviceName}`;
}

/** Takes a serial number apart; undefined for what is no virtual device's. */
export function partsOfSerialNumber(text: string): SerialNumberParts | undefined {
  if (text.length > SERIAL_NUMBER_MAX_LENGTH) return undefined;
  const [, partition, accountId, path, virtualMfaDeviceName] = SERIAL_NUMBER.exec(text) ?? [];
  if (partition === undefined || accountId === undefined || path === undefined || virtualMfaDeviceName === undefined) {
    return undefined;
  }
  return { partition, accountId, path, virtualMfaDeviceName };
}

/** The name, or serial number, of the device that serves the user while another is rotated: it comes and goes with each rotation. */
export function bridgeOf(nameOrSerialNumber: string): string {
  return `${nameOrSerialNumber}${BRIDGE_SUFFIX}`;
}

/** The name, or serial number, of the device that a bridge stands in for; undefined for a device that is no bridge. */
export function bridged(nameOrSerialNumber: string): string | undefined {
  const isBridge = nameOrSerialNumber.endsWith(BRIDGE_SUFFIX);
  return isBridge ? nameOrSerialNumber.slice(0, -BRIDGE_SUFFIX.length) : undefined;
}

/** Whether a device is another one, or stands in for it while that is rotated. */
export function isOrBridges(serialNumber: string, other: string): boolean {
  return serialNumber === other || bridged(serialNumber) === other;
}

/** What the name of a bridge ends with. */
export const BRIDGE_SUFFIX = '-bridge';
const SERIAL_NUMBER = /^arn:([\w-]+):iam::(\d{12}):mfa(\/(?:[\u0021-\u007e]+\/)?)([\w+=,.@-]+)$/;

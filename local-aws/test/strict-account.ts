import {
  CreateUserCommand,
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  type IAMClient,
} from '@aws-sdk/client-iam';
import { generateSync } from 'otplib';
import { type LocalAws, type LocalAwsOptions, startLocalAws } from '../src';
import { type Clients, clientsOf, type SigningCredentials } from './callers';

/** The middle of a time step. */
export const NOON = Date.UTC(2026, 0, 15, 12, 0, 15);
export const STEP = 30_000;
export const ACCOUNT_ID = '123456789012';

/** An account whose clock is the test's, and the real SDK's clients for it. */
export interface StrictAccount extends Clients {
  readonly localAws: LocalAws;
  /** Lets time pass. */
  pass(milliseconds: number): void;
  readonly now: () => number;
  /** Clients that sign with other credentials than the root's. */
  as(credentials: SigningCredentials): Clients;
  close(): Promise<void>;
}

export async function startStrictAccount(options: Omit<LocalAwsOptions, 'now'> = {}): Promise<StrictAccount> {
  let time = NOON;
  const now = () => time;
  const localAws = await startLocalAws({ ...options, now });
  const clients: { destroy(): void }[] = [];
  const as = (credentials: SigningCredentials): Clients => {
    const made = clientsOf(localAws, credentials);
    clients.push(made.iam, made.sts, made.secretsManager);
    return made;
  };
  return {
    ...as(localAws.credentials),
    localAws,
    as,
    now,
    pass: (milliseconds) => {
      time += milliseconds;
    },
    close: async () => {
      for (const client of clients) client.destroy();
      await localAws.close();
    },
  };
}

/** The code of a seed at a moment, by the library that local-aws does not use. */
export function codeAt(seed: string, milliseconds: number): string {
  return generateSync({
    secret: seed,
    epoch: Math.floor(milliseconds / 1000),
    period: 30,
    digits: 6,
    algorithm: 'sha1',
  });
}

/** The codes of two time steps, counted from the current one. */
export function codesAt(seed: string, milliseconds: number, first: number, second: number) {
  return {
    AuthenticationCode1: codeAt(seed, milliseconds + first * STEP),
    AuthenticationCode2: codeAt(seed, milliseconds + second * STEP),
  };
}

/** Six digits that are not the code of any time step near a moment. */
export function wrongCode(seed: string, milliseconds: number): string {
  const near = new Set(Array.from({ length: 21 }, (_, index) => codeAt(seed, milliseconds + (index - 10) * STEP)));
  for (let number = 0; ; number += 1) {
    const code = String(number).padStart(6, '0');
    if (!near.has(code)) return code;
  }
}

export interface Device {
  readonly serialNumber: string;
  readonly seed: string;
}

export async function createDevice(iam: IAMClient, name: string): Promise<Device> {
  const created = await iam.send(new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: name }));
  const { SerialNumber, Base32StringSeed } = created.VirtualMFADevice ?? {};
  if (SerialNumber === undefined || Base32StringSeed === undefined) throw new Error('no device was answered');
  return { serialNumber: SerialNumber, seed: Buffer.from(Base32StringSeed).toString('ascii') };
}

/** Makes a user with a device that IAM has just enabled, with the codes of the previous and of the current time step. */
export async function createUserWithDevice({ iam, now }: StrictAccount, UserName: string): Promise<Device> {
  await iam.send(new CreateUserCommand({ UserName }));
  const device = await createDevice(iam, UserName);
  const codes = codesAt(device.seed, now(), -1, 0);
  await iam.send(new EnableMFADeviceCommand({ UserName, SerialNumber: device.serialNumber, ...codes }));
  return device;
}

export interface Refusal {
  readonly code: string;
  readonly status: number | undefined;
  readonly message: string;
}

/** What a call was refused with; throws if it was not refused. */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (thrown) {
    const error = thrown as Error & { Code?: string; $metadata?: { httpStatusCode?: number } };
    return { code: error.Code ?? error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
  throw new Error('the call was not refused');
}

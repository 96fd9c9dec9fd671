import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateVirtualMFADeviceCommand,
  EnableMFADeviceCommand,
  IAMClient,
  ListMFADevicesCommand,
} from '@aws-sdk/client-iam';
import { millisecondsToNextTimeStep } from '../virtual-mfa/authentication-codes';
import { codesOf, SCRIPT_WAYS, type ScriptWay } from './script-way';

export interface ScriptRequest {
  readonly userName: string;
  /** Undefined: one bare call, and no device. */
  readonly way: ScriptWay | undefined;
}

/** Times are milliseconds. */
export interface ScriptAnswer {
  readonly milliseconds: number;
  readonly waited: number;
  readonly serialNumber: string;
}

export interface ScriptFailure {
  readonly failure: string;
}

const iam = new IAMClient({ maxAttempts: 1 });

async function answerTo({ userName, way }: ScriptRequest): Promise<ScriptAnswer> {
  const began = performance.now();
  const done = way === undefined ? await askForDevices(userName) : await enable(userName, way);
  return { milliseconds: performance.now() - began, ...done };
}

async function askForDevices(UserName: string): Promise<Omit<ScriptAnswer, 'milliseconds'>> {
  await iam.send(new ListMFADevicesCommand({ UserName }));
  return { waited: 0, serialNumber: '' };
}

/** As scripts do it: create, enable. The seed is in the memory of this process and nowhere else. */
async function enable(UserName: string, way: ScriptWay): Promise<Omit<ScriptAnswer, 'milliseconds'>> {
  const { VirtualMFADevice: device } = await iam.send(
    new CreateVirtualMFADeviceCommand({ VirtualMFADeviceName: `${UserName}-by-script` }),
  );
  const seed = Buffer.from(device?.Base32StringSeed ?? []).toString('ascii');
  const serialNumber = device?.SerialNumber ?? '';
  const started = Date.now();
  const waited = SCRIPT_WAYS[way].waits ? millisecondsToNextTimeStep(started) : 0;
  // A timer may fire a little before its time.
  while (Date.now() < started + waited) await sleep(started + waited - Date.now());
  const [AuthenticationCode1, AuthenticationCode2] = codesOf(way, seed, started);
  await iam.send(
    new EnableMFADeviceCommand({ UserName, SerialNumber: serialNumber, AuthenticationCode1, AuthenticationCode2 }),
  );
  return { waited, serialNumber };
}

process.on('message', (request: ScriptRequest) => {
  answerTo(request).then(
    (answer) => process.send?.(answer),
    (error: unknown) => process.send?.({ failure: String(error) } satisfies ScriptFailure),
  );
});

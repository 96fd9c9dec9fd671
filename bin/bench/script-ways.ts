import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type LocalAws, type LoggedCall, nodeBinary } from '../../local-aws';
import type { ScriptWay } from './script-way';
import type { ScriptAnswer, ScriptFailure, ScriptRequest } from './script-ways-process';

const USER_NAME = 'Carol';

/** One run of a script. Times are milliseconds. */
export interface ScriptRun {
  /** All of it, with the wait. */
  readonly milliseconds: number;
  /** For the next time step to begin. */
  readonly waited: number;
  readonly calls: readonly LoggedCall[];
}

/** The process of the scripts: the SDK is loaded and its connections are open, as the function's are. */
export interface Scripts {
  enable(way: ScriptWay): Promise<ScriptRun>;
  /** The time of one bare SDK call. */
  oneCall(): Promise<number>;
  close(): Promise<void>;
}

/** Starts the process, on the Node that the function has; local-aws must not share its event loop with those it serves. */
export async function startScripts({ account, environment }: LocalAws): Promise<Scripts> {
  await account.invoke('iam', 'CreateUser', { UserName: USER_NAME });
  const child = fork(join(__dirname, 'script-ways-process.ts'), {
    execPath: nodeBinary(),
    execArgv: ['--import', 'tsx'],
    env: { PATH: process.env['PATH'], ...environment },
  });
  return {
    enable: async (way) => {
      const before = account.calls.length;
      const { milliseconds, waited, serialNumber: SerialNumber } = await ask(child, { userName: USER_NAME, way });
      const calls = account.calls.after(before).filter(({ source }) => source === 'http');
      await account.invoke('iam', 'DeactivateMFADevice', { UserName: USER_NAME, SerialNumber });
      await account.invoke('iam', 'DeleteVirtualMFADevice', { SerialNumber });
      return { milliseconds, waited, calls };
    },
    oneCall: async () => (await ask(child, { userName: USER_NAME, way: undefined })).milliseconds,
    close: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

async function ask(child: ChildProcess, request: ScriptRequest): Promise<ScriptAnswer> {
  const answer = await new Promise<ScriptAnswer | ScriptFailure>((answered, failed) => {
    const onExit = () => failed(new Error('The process of the scripts has ended'));
    child.once('exit', onExit);
    child.once('message', (message: ScriptAnswer | ScriptFailure) => {
      child.off('exit', onExit);
      answered(message);
    });
    child.send(request);
  });
  if ('failure' in answer) throw new Error(answer.failure);
  return answer;
}

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CouldNotBeTried, DidNotHold } from '../../../scripts/integ/finding';
import { type Probe, PROBE_EXIT_CODES } from '../../../scripts/integ/probe';
import { AwsError } from 'local-aws';
import { always, ProbedLocalAws } from './probed-local-aws';

const { allHeld, someCouldNotBeTried, someDidNotHold } = PROBE_EXIT_CODES;

let account: ProbedLocalAws;

beforeEach(async () => {
  account = await ProbedLocalAws.start();
});
afterEach(async () => account.close());

describe('a run of probes', () => {
  const held: Probe = { assumption: 'This holds', run: async () => undefined };
  const untried: Probe = {
    assumption: 'This is elsewhere',
    run: async () => Promise.reject(new CouldNotBeTried('only elsewhere')),
  };
  const wrong: Probe = {
    assumption: 'This is wrong',
    run: async () => Promise.reject(new DidNotHold('it is otherwise')),
  };

  test.each([
    [[held, held], allHeld],
    [[held, untried], someCouldNotBeTried],
    [[wrong, untried, held], someDidNotHold],
    [[untried, wrong], someDidNotHold],
  ])('%# ends with the exit code of its worst finding', async (probes, exitCode) => {
    expect((await account.run(probes)).exitCode).toBe(exitCode);
  });

  test('goes on after an error, and prints nothing of it that could be a seed or a code', async () => {
    const leaking: Probe = {
      assumption: 'This leaks',
      run: async () => Promise.reject(new Error(`refused 123456 of JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP`)),
    };

    expect((await account.run([leaking, held])).lines).toEqual([
      'This leaks: could not be tried: Error: refused [removed] of [removed]',
      'This holds: held',
    ]);
  });

  test('says what it could not clean up, and fails', async () => {
    const untidy: Probe = {
      assumption: 'This stays',
      run: async (probed) => {
        await probed.createUser();
        account.localAws.account.faults.inject(always('iam:DeleteUser', new AwsError('DeleteConflict', 'No.', 409)));
      },
    };
    const { exitCode, lines } = await account.run([untidy]);

    expect(exitCode).toBe(someDidNotHold);
    expect(lines[1]).toMatch(/^ {2}left behind, delete it by hand: the user virtual-mfa-probe-\w+ \(DeleteConflict/);
  });
});

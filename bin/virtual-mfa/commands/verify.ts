import { type Command, Option } from 'commander';
import type { AwsAccess } from '../aws-access';
import { codeCheck } from '../code-check';
import { failures } from '../command-failure';
import { DeviceRecords } from '../device-records';
import { type DeviceReport, reportsOf } from '../device-reports';
import { asJson, harmless } from '../harmless';
import { Inventory } from '../inventory';
import { isCode, readCode } from '../read-code';
import { reportLine, reportsAsCsv } from '../report-formats';
import { resync } from '../resync';
import { SeedFinder } from '../seed-location';
import { readStoredSeed } from '../stored-seeds';
import { isTargetOf, readTarget } from '../target';
import { print } from '../terminal';
import { type Check, verify } from '../verification';
import { awsCommand, type CommonOptions, DEVICE_ARGUMENT, type Machine, withAws } from './command';

interface VerifyOptions extends CommonOptions {
  readonly all?: true;
  readonly stack?: string;
  readonly csv?: true;
  readonly repair?: true;
  readonly ownerAccess?: true;
  readonly resync?: true;
  readonly code?: true;
}

export function addVerifyCommand(program: Command, machine: Machine): void {
  awsCommand(program, {
    name: 'verify',
    description:
      'Checks that devices are enabled for their users, and that the stored seeds belong to them. Shows one device in detail, or several with a line each.',
    examples: [
      'npx --no virtual-mfa verify Bob',
      'npx --no virtual-mfa verify Bob --code',
      'npx --no virtual-mfa verify Alice Bob --repair',
      'npx --no virtual-mfa verify --all --csv > evidence.csv',
    ],
  })
    .argument('[user|serial|secret...]', DEVICE_ARGUMENT)
    .option('--all', 'verify every device that the library manages in the region')
    .option('--stack <name or id>', 'verify every device of this stack')
    .addOption(new Option('--csv', 'print CSV, as evidence for an audit').conflicts('json'))
    .option('--repair', 'enable again what somebody deactivated, and restore seeds that somebody wrote over')
    .option('--owner-access', 'ask IAM for each device whether its owner may read the seed with an access key alone')
    .option('--resync', 'prove with ResyncMFADevice that IAM has the stored seed of one device')
    .option('--code', 'ask for a code that the owner of one device reads out, and check it; AWS does not see it')
    .action(async (texts: readonly string[], options: VerifyOptions, command: Command) => {
      // Not looked up as a user: that would show it to AWS.
      if (options.code && texts.some(isCode)) command.error('error: --code takes no value: type the code when asked');
      const isOfAll = options.all ?? options.stack !== undefined;
      if (isOfAll === texts.length > 0) command.error('error: give users or devices, or --all, or --stack');
      const inDetail = options.resync ?? options.code;
      const isSeveral =
        isOfAll || texts.length > 1 || [options.csv, options.repair, options.ownerAccess].includes(true);
      if (inDetail && isSeveral) command.error('error: --resync and --code take one user or device');
      await withAws(machine, options, (aws) =>
        isSeveral ? verifySeveral(texts, options, aws, machine) : verifyOne(texts[0] ?? '', options, aws, machine),
      );
    });
}

async function verifyOne(text: string, options: VerifyOptions, aws: AwsAccess, machine: Machine): Promise<void> {
  const records = new DeviceRecords(aws);
  const seed = await readStoredSeed(await new SeedFinder(records, aws).find(readTarget(text)), aws);
  const code = options.code && (await readCode(machine));
  const proof = () => resync(seed, { ...machine, aws });
  const checks = [
    ...(await verify(seed, records, aws, options.resync && proof)),
    ...(code === undefined ? [] : [codeCheck(code, seed.seed, aws.time.now())]),
  ];
  const { userName, serialNumber } = seed;
  const inWords = () => checks.map(asLine).join('\n');
  print(machine.terminal, options.json ? asJson({ userName, serialNumber, checks }) : inWords());
  const failed = checks.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);
  if (failed.length > 0) throw failures.verificationFailed(serialNumber, failed);
}

const MARKS: Readonly<Record<Check['outcome'], string>> = { proven: '✓', failed: '✗', 'not proven': '-' };

function asLine({ name, outcome, detail }: Check): string {
  return `${MARKS[outcome]} ${name.padEnd(12)} ${outcome === 'not proven' ? 'not proven: ' : ''}${harmless(detail)}`;
}

async function verifySeveral(
  texts: readonly string[],
  { stack, json, csv, repair, ownerAccess }: VerifyOptions,
  aws: AwsAccess,
  machine: Machine,
): Promise<void> {
  const { terminal } = machine;
  const region = await aws.region();
  const records = new DeviceRecords(aws);
  const inventory = new Inventory(records);
  const listed = await (stack === undefined ? inventory.ofRegion(region) : inventory.ofStack(region, stack));
  const chosen = texts.map((text) => ({ text, devices: listed.filter(isTargetOf(readTarget(text))) }));
  const devices =
    texts.length === 0 ? listed : listed.filter((device) => chosen.some((of) => of.devices.includes(device)));
  const reports = [
    ...(await reportsOf(devices, { ...machine, aws, records, region, repair, ownerAccess })),
    ...chosen.filter((of) => of.devices.length === 0).map(({ text }) => withoutDevice(text, region)),
  ];
  if (json) print(terminal, asJson(reports));
  else if (csv) print(terminal, reportsAsCsv(reports));
  else for (const report of reports) print(terminal, reportLine(report));
  aws.requireRightClock();
  const wrong = reports.filter(({ problem }) => problem !== undefined);
  if (wrong.length > 0) {
    throw failures.notAllRight(
      wrong.map(({ userName, serialNumber }) => userName ?? serialNumber ?? '-'),
      reports.length,
    );
  }
  if (!json && !csv) print(terminal, `All ${reports.length} devices are as they should be.`);
}

/** What was named and is not there is wrong too. */
function withoutDevice(text: string, region: string): DeviceReport {
  const target = readTarget(text);
  return {
    ...(target.kind === 'user' ? { userName: target.userName } : {}),
    ...(target.kind === 'device' ? { serialNumber: target.serialNumber } : {}),
    ...(target.kind === 'secret' ? { seedSecretArn: target.secretArn } : {}),
    problem: `it has no device that cdk-iam-virtual-mfa manages in ${region}; declare one and deploy`,
  };
}

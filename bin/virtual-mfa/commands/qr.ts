import { type Command, Option } from 'commander';
import type { AwsAccess } from '../aws-access';
import { failures } from '../command-failure';
import { DeviceRecords } from '../device-records';
import { accountAlias, writePages } from '../hand-out';
import { handOutPage } from '../hand-out-page';
import { asJson } from '../harmless';
import { Inventory } from '../inventory';
import { writePrivateFile } from '../private-file';
import { labelledQrCodeAsPng, labelledQrCodeAsSvg, qrCodeAsText } from '../qr-code';
import type { LocatedSeed } from '../stored-seeds';
import { print, requirePrivateOutput, tell } from '../terminal';
import { awsCommand, type CommonOptions, DEVICE_ARGUMENT, enabledSeed, type Machine, withAws } from './command';

interface QrOptions extends CommonOptions {
  readonly html?: string;
  readonly png?: string;
  readonly svg?: string;
  readonly uri?: true;
  readonly stack?: string;
  readonly outDir?: string;
}

export function addQrCommand(program: Command, machine: Machine): void {
  awsCommand(program, {
    name: 'qr',
    description: 'Shows the QR code that an authenticator app scans to add the device, or writes pages to hand out.',
    examples: [
      'npx --no virtual-mfa qr Bob',
      'npx --no virtual-mfa qr Bob --html bob.html',
      'npx --no virtual-mfa qr --stack VirtualMfaStack --out-dir pages',
      'npx --no virtual-mfa qr arn:aws:iam::123456789012:mfa/Bob-0123456789 --uri',
    ],
  })
    .argument('[user|serial|secret]', DEVICE_ARGUMENT)
    .addOption(new Option('--html <file>', 'write a page to print or open, mode 0600').conflicts(['png', 'svg', 'uri']))
    .addOption(new Option('--png <file>', 'write the QR code to a PNG file, mode 0600').conflicts(['svg', 'uri']))
    .addOption(new Option('--svg <file>', 'write the QR code to an SVG file, mode 0600').conflicts('uri'))
    .option('--uri', 'print the otpauth:// URI that the code contains')
    .addOption(
      new Option('--stack <name or id>', 'with --out-dir: write pages for every device of this stack').conflicts([
        'html',
        'png',
        'svg',
        'uri',
      ]),
    )
    .option('--out-dir <directory>', 'with --stack: write a page for each user into this directory, mode 0700')
    .action(async (text: string | undefined, options: QrOptions, command: Command) => {
      const { stack, outDir } = options;
      if ((stack === undefined) !== (outDir === undefined)) command.error('error: --stack and --out-dir go together');
      if (stack !== undefined && outDir !== undefined && text === undefined) {
        await withAws(machine, options, (aws) => writeAll(stack, outDir, options, aws, machine));
      } else if (text !== undefined && stack === undefined) {
        if (!fileOf(options)) requirePrivateOutput(machine.terminal);
        await withAws(machine, options, async (aws) => show(await enabledSeed(text, aws), options, aws, machine));
      } else {
        command.error('error: give a user or a device, or --stack and --out-dir');
      }
    });
}

function fileOf({ html, png, svg }: QrOptions): string | undefined {
  return html ?? png ?? svg;
}

async function show(seed: LocatedSeed, options: QrOptions, aws: AwsAccess, { terminal }: Machine): Promise<void> {
  const { userName, serialNumber, otpauthUri } = seed;
  const { html, png, svg, uri, json } = options;
  const file = fileOf(options);
  if (html !== undefined) writePrivateFile(html, await handOutPage(seed, await accountAlias(aws)));
  if (png !== undefined) writePrivateFile(png, labelledQrCodeAsPng(otpauthUri));
  if (svg !== undefined) writePrivateFile(svg, await labelledQrCodeAsSvg(otpauthUri));
  if (json) {
    const content = file === undefined ? { otpauthUri } : { file };
    print(terminal, asJson({ userName, serialNumber, ...content }));
  } else if (file !== undefined) {
    tell(terminal, `The QR code of ${serialNumber} is in ${file}. It holds the seed: delete it once it is scanned.`);
  } else if (uri) {
    print(terminal, otpauthUri);
  } else {
    print(terminal, await qrCodeAsText(otpauthUri, terminal.output.isTTY === true));
  }
}

async function writeAll(
  stack: string,
  directory: string,
  { json }: QrOptions,
  aws: AwsAccess,
  { terminal }: Machine,
): Promise<void> {
  const region = await aws.region();
  const devices = await new Inventory(new DeviceRecords(aws)).ofStack(region, stack);
  const pages = await writePages(directory, devices, { aws, region, terminal });
  const without = pages.flatMap((page) => ('problem' in page ? [page] : []));
  if (json) {
    print(terminal, asJson(pages));
  } else {
    const count = pages.length - without.length;
    tell(terminal, `${count} pages are in ${directory}. Each holds a seed: delete it once it is scanned.`);
    for (const { userName, problem } of without) tell(terminal, `No page for ${userName}: ${problem}`);
  }
  const userNames = without.map(({ userName }) => userName);
  if (without.length > 0) throw failures.noPageFor(userNames, pages.length, stack);
}

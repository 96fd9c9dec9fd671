import { type Command, Option } from 'commander';
import { writePrivateFile } from '../private-file';
import { qrCodeAsPng, qrCodeAsSvg, qrCodeAsText } from '../qr-code';
import { print, requirePrivateOutput, tell } from '../terminal';
import { type CommonOptions, deviceCommand, enabledSeed, type Machine, withAws } from './command';

interface QrOptions extends CommonOptions {
  readonly png?: string;
  readonly svg?: string;
  readonly uri?: true;
}

export function addQrCommand(program: Command, machine: Machine): void {
  const { terminal } = machine;
  deviceCommand(program, {
    name: 'qr',
    description: 'Shows the QR code that an authenticator app scans to add the device.',
    examples: [
      'npx --no virtual-mfa qr Bob',
      'npx --no virtual-mfa qr Bob --png bob.png',
      'npx --no virtual-mfa qr arn:aws:iam::123456789012:mfa/Bob-0123456789 --uri',
    ],
  })
    .addOption(new Option('--png <file>', 'write it to a PNG file with mode 0600').conflicts(['svg', 'uri']))
    .addOption(new Option('--svg <file>', 'write it to an SVG file with mode 0600').conflicts('uri'))
    .option('--uri', 'print the otpauth:// URI that the code contains')
    .action(async (text: string, options: QrOptions) => {
      const { png, svg, uri, json } = options;
      const file = png ?? svg;
      if (file === undefined) requirePrivateOutput(terminal);
      await withAws(machine, options, async (aws) => {
        const { userName, serialNumber, otpauthUri } = await enabledSeed(text, aws);
        if (png !== undefined) writePrivateFile(png, await qrCodeAsPng(otpauthUri));
        if (svg !== undefined) writePrivateFile(svg, await qrCodeAsSvg(otpauthUri));
        if (json) {
          const content = file === undefined ? { otpauthUri } : { file };
          print(terminal, JSON.stringify({ userName, serialNumber, ...content }));
        } else if (file !== undefined) {
          tell(
            terminal,
            `The QR code of ${serialNumber} is in ${file}. It holds the seed: delete it once it is scanned.`,
          );
        } else if (uri) {
          print(terminal, otpauthUri);
        } else {
          print(terminal, await qrCodeAsText(otpauthUri, terminal.output.isTTY === true));
        }
      });
    });
}

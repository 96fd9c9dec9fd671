import { partsOfSerialNumber } from '../../lambda/contract/serial-number';
import type { StoredSeed } from '../../lambda/contract/stored-seed';
import { escaped } from './escaped';
import { qrCodeAsSvg } from './qr-code';

const SIGN_IN_DOMAINS: Readonly<Record<string, string>> = {
  aws: 'signin.aws.amazon.com',
  'aws-cn': 'signin.amazonaws.cn',
  'aws-us-gov': 'signin.amazonaws-us-gov.com',
};

/**
 * A page with which one person sets up an authenticator app: to print, or to open in a browser. It loads nothing, and its policy
 * forbids whatever could.
 *
 * @param accountAlias absent where there is none, or where the caller may not know
 */
export async function handOutPage(
  { userName, serialNumber, seed, otpauthUri }: StoredSeed,
  accountAlias: string | undefined,
): Promise<string> {
  const { partition = 'aws', accountId = '' } = partsOfSerialNumber(serialNumber) ?? {};
  const domain = SIGN_IN_DOMAINS[partition];
  const issuer = new URL(otpauthUri).searchParams.get('issuer') ?? '';
  const rows = [
    ['User', userName],
    ['Account', accountAlias === undefined ? accountId : `${accountAlias} (${accountId})`],
    ['Issuer in the app', issuer],
    ['Serial number', `… ${serialNumber.slice(-4)}`],
    ...(domain === undefined ? [] : [['Sign in at', `https://${accountAlias ?? accountId}.${domain}/console`]]),
  ].map(([name = '', value = '']) => `<tr><th>${escaped(name)}</th><td>${escaped(value)}</td></tr>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex, noarchive">
<title>MFA device of ${escaped(userName)}</title>
<style>
@page { margin: 15mm; }
body { font: 11pt/1.4 system-ui, sans-serif; color: #000; background: #fff; max-width: 170mm; margin: 5mm auto; }
h1 { font-size: 16pt; margin: 0 0 4mm; overflow-wrap: anywhere; }
svg { display: block; width: 75mm; margin: 0 auto; }
table { border-collapse: collapse; margin: 2mm 0; }
th { text-align: left; vertical-align: top; white-space: nowrap; padding: 0 6mm 1mm 0; }
td { overflow-wrap: anywhere; padding: 0 0 1mm; }
code { font: 12pt/1.5 ui-monospace, monospace; }
li { margin-bottom: 1mm; }
.destroy { border: 1.5pt solid #000; padding: 2mm 3mm; font-weight: bold; }
</style>
</head>
<body>
<h1>MFA device of ${escaped(userName)}</h1>
<table>
${rows.join('\n')}
</table>
${(await qrCodeAsSvg(otpauthUri)).trim()}
<ol>
<li>Open an authenticator app, add an account, and scan the code. Or type this key (time-based, six digits,
30 seconds):<br><code>${escaped(inGroupsOfFour(seed))}</code></li>
<li>Read out the code that the app shows to the person who gave you this page.</li>
<li>Sign in with your user name, your password and the code that the app shows then.</li>
</ol>
<p class="destroy">Destroy this page after scanning. Whoever has it has your second factor.</p>
</body>
</html>
`;
}

function inGroupsOfFour(seed: string): string {
  return seed.replaceAll(/(.{4})(?=.)/g, '$1 ');
}

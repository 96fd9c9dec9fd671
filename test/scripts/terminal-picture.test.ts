import { beforeAll, describe, expect, test } from 'vitest';
import { qrCodeAsText } from '../../bin/virtual-mfa/qr-code';
import { drawTerminal } from '../../scripts/terminal-picture';
import { QrDecoder } from '../bin/virtual-mfa/qr-decoder';

const URI = 'otpauth://totp/Example:Bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example';

describe('the picture of a terminal', () => {
  let decoder: QrDecoder;

  beforeAll(async () => {
    decoder = await QrDecoder.load();
  });

  test('has a QR code that scans', async () => {
    const picture = drawTerminal(`▸ virtual-mfa qr Bob\n${await qrCodeAsText(URI, false)}\n`, 100);

    expect(await decoder.readSvg(picture)).toBe(URI);
  });

  test('has the text where the terminal has it, in its colours, and no escape codes', () => {
    const picture = drawTerminal('first\n\u001b[1mab\u001b[22m\u001b[32m✓\u001b[39m  a < b & c\n', 80);

    expect(picture).toMatch(/<text x="16" y="\d+" textLength="40">first<\/text>/);
    expect(picture).toMatch(/<text x="16" y="\d+" textLength="16" class="bold">ab<\/text>/);
    expect(picture).toMatch(/<text x="32" y="\d+" textLength="8" class="ansi-green">✓<\/text>/);
    expect(picture).toMatch(/<text x="40" y="\d+" textLength="88"> {2}a &lt; b &amp; c<\/text>/);
    expect(picture).not.toContain('\u001b');
    expect(picture).not.toContain('<path');
  });

  test('is as large as what was printed', () => {
    expect(drawTerminal('a\nb\n\n', 80)).toContain('viewBox="0 0 672 64"');
  });
});

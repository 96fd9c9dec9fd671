import { toBuffer, toString } from 'qrcode';

/** Least redundancy: a seed of 64 characters then still fits a small window, and nothing dirties a screen. */
const LEVEL = { errorCorrectionLevel: 'L' } as const;
/** White around the code, in modules, as the standard wants it. */
const MARGIN = 4;

/** For a terminal that draws, or as plain text. */
export async function qrCodeAsText(uri: string, inColours: boolean): Promise<string> {
  return toString(uri, { ...LEVEL, type: inColours ? 'terminal' : 'utf8', small: true, margin: MARGIN });
}

export async function qrCodeAsPng(uri: string): Promise<Uint8Array> {
  return toBuffer(uri, { ...LEVEL, type: 'png', scale: 8, margin: MARGIN });
}

export async function qrCodeAsSvg(uri: string): Promise<string> {
  return toString(uri, { ...LEVEL, type: 'svg', margin: MARGIN });
}

import font from 'oled-font-5x7';
import { PNG } from 'pngjs';
import { create, toString } from 'qrcode';
import { escaped } from './escaped';

/** Least redundancy: a seed of 64 characters then still fits a small window, and nothing dirties a screen. */
const LEVEL = { errorCorrectionLevel: 'L' } as const;
/** White around the code, in modules, as the standard wants it. */
const MARGIN = 4;

/** For a terminal that draws, or as plain text. */
export async function qrCodeAsText(uri: string, inColours: boolean): Promise<string> {
  return toString(uri, { ...LEVEL, type: inColours ? 'terminal' : 'utf8', small: true, margin: MARGIN });
}

/** The code alone, for a page that says whose it is. */
export async function qrCodeAsSvg(uri: string): Promise<string> {
  return toString(uri, { ...LEVEL, type: 'svg', margin: MARGIN });
}

/** With a label below: a file is moved and printed, and nobody sees in a code whose it is. */
export async function labelledQrCodeAsSvg(uri: string): Promise<string> {
  const size = sizeOf(uri);
  const code = await toString(uri, { ...LEVEL, type: 'svg', margin: MARGIN, width: size });
  const lines = labelOf(uri, columnsIn(size));
  const height = size + lines.length * LINE + MARGIN;
  const text = lines.map(
    (line, index) => `<text x="${size / 2}" y="${size + index * LINE + MARGIN / 2}">${escaped(line)}</text>`,
  );
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${height}">` +
    `<rect width="${size}" height="${height}" fill="#fff"/>${code.trim()}` +
    `<g font-family="monospace" font-size="${COLUMN / 0.6}" text-anchor="middle">${text.join('')}</g></svg>\n`
  );
}

export function labelledQrCodeAsPng(uri: string): Uint8Array {
  const { modules } = create(uri, LEVEL);
  const size = sizeOf(uri);
  const lines = labelOf(uri, columnsIn(size));
  const png = new PNG({ width: size * SCALE, height: (size + lines.length * LINE + MARGIN) * SCALE });
  png.data.fill(0xff);
  const blacken = (left: number, top: number, side: number) => {
    for (let y = top; y < top + side; y += 1) {
      const start = (y * png.width + left) * 4;
      for (let pixel = start; pixel < start + side * 4; pixel += 4) png.data.fill(0, pixel, pixel + 3);
    }
  };
  for (let y = 0; y < modules.size; y += 1) {
    for (let x = 0; x < modules.size; x += 1) {
      if (modules.get(y, x)) blacken((x + MARGIN) * SCALE, (y + MARGIN) * SCALE, SCALE);
    }
  }
  lines.forEach((line, index) => {
    const left = (png.width - line.length * COLUMN * SCALE) / 2;
    const top = (size + index * LINE) * SCALE;
    Array.from(line).forEach((character, column) => {
      for (const [x, y] of dotsOf(character)) {
        blacken(Math.round(left + column * COLUMN * SCALE) + x * DOT, top + y * DOT, DOT);
      }
    });
  });
  return PNG.sync.write(png);
}

/** Pixels for each module. */
const SCALE = 8;
/** Pixels for each dot of the font. */
const DOT = 2;
/** A character of the label and a line of it, in modules. */
const COLUMN = ((font.width + 1) * DOT) / SCALE;
const LINE = ((font.height + 3) * DOT) / SCALE;

function sizeOf(uri: string): number {
  return create(uri, LEVEL).modules.size + 2 * MARGIN;
}

function columnsIn(size: number): number {
  return Math.floor((size - 2) / COLUMN);
}

/** The issuer, and the account as an authenticator app shows it, in lines of so many characters. */
function labelOf(uri: string, columns: number): string[] {
  const label = decodeURIComponent(new URL(uri).pathname.replace(/^\/+(?:totp\/)?/, ''));
  const parts = label.split(':').map((part) => part.trim());
  return parts.flatMap((part) => part.match(new RegExp(`.{1,${columns}}`, 'gu')) ?? []);
}

/** What the font does not have looks like a question mark. */
function dotsOf(character: string): [x: number, y: number][] {
  const known = font.lookup.indexOf(character);
  const start = (known < 0 ? font.lookup.indexOf('?') : known) * font.width;
  const columns = font.fontData.slice(start, start + font.width);
  return columns.flatMap((column, x) =>
    Array.from({ length: font.height }, (_, y) => y)
      .filter((y) => ((column >> y) & 1) === 1)
      .map((y): [number, number] => [x, y]),
  );
}

import Anser from 'anser';

const CHARACTER_WIDTH = 8;
/** Half of it is a character's width: the modules of a QR code are squares. */
const LINE_HEIGHT = 16;
const FONT_SIZE = 13;
const PADDING = 16;

const STYLE = `
    text { font: ${FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; fill: #e6edf3; }
    .bold { font-weight: bold; }
    .dim { fill: #8b949e; }
    .ansi-green { fill: #3fb950; }
    .ansi-cyan { fill: #39c5cf; }
    .ansi-red { fill: #ff7b72; }`;

/** A line of a QR code: each character holds two modules, one above the other. */
const QR_LINE = /^[ ▀▄█]+$/;

/** Draws what a program printed as an SVG picture of a terminal. QR codes become squares, which scan as from a screen. */
export function drawTerminal(printed: string, columns: number): string {
  const lines = printed.trimEnd().split('\n');
  const width = columns * CHARACTER_WIDTH + 2 * PADDING;
  const height = lines.length * LINE_HEIGHT + 2 * PADDING;
  const drawn = lines.flatMap((line, index) => {
    const top = PADDING + index * LINE_HEIGHT;
    return QR_LINE.test(line) ? qrLine(line, top) : textLine(line, top);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
  <style>${STYLE}
  </style>
  <rect width="${width}" height="${height}" rx="8" fill="#0d1117"/>
${drawn.map((element) => `  ${element}\n`).join('')}</svg>
`;
}

function textLine(line: string, top: number): readonly string[] {
  let column = 0;
  return Anser.ansiToJson(line, { use_classes: true, remove_empty: true }).map(({ content, fg, decorations }) => {
    const x = PADDING + column * CHARACTER_WIDTH;
    column += content.length;
    const classes = [fg, ...decorations].filter(Boolean).join(' ');
    const attributes = classes === '' ? '' : ` class="${classes}"`;
    // The length is given, for the fonts of viewers differ.
    const length = content.length * CHARACTER_WIDTH;
    return `<text x="${x}" y="${top + FONT_SIZE}" textLength="${length}"${attributes}>${Anser.escapeForHtml(content)}</text>`;
  });
}

function qrLine(line: string, top: number): readonly string[] {
  const height = LINE_HEIGHT / 2;
  const modules = [/[▀█]+/g, /[▄█]+/g].flatMap((run, row) =>
    [...line.matchAll(run)].map(({ 0: { length }, index }) => {
      const width = length * CHARACTER_WIDTH;
      return `M${PADDING + index * CHARACTER_WIDTH} ${top + row * height}h${width}v${height}h-${width}z`;
    }),
  );
  const paper = `<rect x="${PADDING}" y="${top}" width="${line.length * CHARACTER_WIDTH}" height="${LINE_HEIGHT}" fill="#fff"/>`;
  return [`${paper}<path d="${modules.join('')}"/>`];
}

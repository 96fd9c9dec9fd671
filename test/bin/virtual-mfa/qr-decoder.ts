import { readFileSync } from 'node:fs';
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader';

/** Reads QR codes with ZXing, as a phone would. */
export class QrDecoder {
  static #loaded?: Promise<QrDecoder>;

  /** Loads it once: resvg refuses to be initialized a second time. */
  static load(): Promise<QrDecoder> {
    this.#loaded ??= this.#load();
    return this.#loaded;
  }

  static async #load(): Promise<QrDecoder> {
    const wasmBinary = bytesOf(readFileSync(require.resolve('zxing-wasm/reader/zxing_reader.wasm')));
    await prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
    await initWasm(bytesOf(readFileSync(require.resolve('@resvg/resvg-wasm/index_bg.wasm'))));
    return new QrDecoder();
  }

  async readPng(png: Uint8Array): Promise<string> {
    return textIn(await readBarcodes(png, { formats: ['QRCode'] }));
  }

  async readSvg(svg: string): Promise<string> {
    return this.readPng(new Resvg(svg, { fitTo: { mode: 'width', value: 600 }, background: 'white' }).render().asPng());
  }

  /** Reads half blocks, dark where a terminal draws nothing: light text on a dark ground. */
  async readText(text: string): Promise<string> {
    const lines = text.split('\n').filter((line) => line.length > 0);
    const scale = 4;
    const width = Math.max(...lines.map((line) => line.length)) * scale;
    const height = lines.length * 2 * scale;
    const data = new Uint8ClampedArray(width * height * 4).fill(255);
    const isLight = (x: number, y: number) => {
      const block = lines[Math.floor(y / 2)]?.[x] ?? ' ';
      return block === '█' || block === (y % 2 === 0 ? '▀' : '▄');
    };
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        const light = isLight(Math.floor(x / scale), Math.floor(y / scale));
        data.fill(light ? 255 : 0, (y * width + x) * 4, (y * width + x) * 4 + 3);
      }
    }
    return textIn(await readBarcodes({ data, width, height, colorSpace: 'srgb' }, { formats: ['QRCode'] }));
  }
}

function textIn(results: readonly { readonly text: string }[]): string {
  const [result] = results;
  if (!result) throw new Error('no QR code was found');
  return result.text;
}

function bytesOf(buffer: Buffer): ArrayBuffer {
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength) as ArrayBuffer;
}

declare module 'oled-font-5x7' {
  /** A bitmap font: five columns for each character, each a byte whose lowest bit is the top. */
  const font: {
    readonly width: number;
    readonly height: number;
    readonly fontData: readonly number[];
    readonly lookup: readonly string[];
  };
  export = font;
}

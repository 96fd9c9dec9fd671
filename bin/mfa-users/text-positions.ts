/** Where the lines of a text begin, so that each of many problems finds its line without reading the text again. */
export class TextPositions {
  private readonly lineStarts: number[] = [0];

  public constructor(text: string) {
    for (const { index, 0: lineEnd } of text.matchAll(/\r\n|\r|\n/g)) {
      this.lineStarts.push(index + lineEnd.length);
    }
  }

  /** Line of an offset, counted from 1. */
  public lineOf(offset: number): number {
    let [low, high] = [0, this.lineStarts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.lineStarts[middle] ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Column of an offset, counted from 1, in UTF-16 code units. */
  public columnOf(offset: number): number {
    return offset - (this.lineStarts[this.lineOf(offset) - 1] ?? 0) + 1;
  }
}

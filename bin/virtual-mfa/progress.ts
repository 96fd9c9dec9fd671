import { Presets, SingleBar } from 'cli-progress';
import type { Terminal } from './terminal';

export interface Progress {
  step(): void;
  stop(): void;
}

/** A bar beside the output, for a person who watches. */
export function progressOn({ messages }: Terminal, what: string, total: number): Progress {
  if (messages.isTTY !== true) return { step: () => undefined, stop: () => undefined };
  const format = `{bar} {value} of {total} ${what}`;
  const bar = new SingleBar({ format, stream: messages, barsize: 30, hideCursor: true }, Presets.shades_classic);
  bar.start(total, 0);
  return { step: () => bar.increment(), stop: () => bar.stop() };
}

import { cdk } from '../cdk-command';
import { virtualMfa } from '../virtual-mfa-command';
import type { LocalAws } from 'local-aws';
import { progressIn } from './cdk-progress';
import { observe } from './observation';
import type { Screen } from './screen';

type Environment = Readonly<Record<string, string>>;

/** The commands that the demo runs, each in a process of its own; one that fails fails its step, with its log. */
export class Commands {
  constructor(
    private readonly localAws: LocalAws,
    private readonly screen: Screen,
    private readonly isVerbose: boolean,
    private readonly signal: AbortSignal,
  ) {}

  /** Runs the CDK CLI and returns its log. */
  async cdk(...args: readonly [subcommand: string, ...string[]]): Promise<string> {
    const { environment } = this.localAws;
    const [subcommand] = args;
    const { exitCode, output } = this.isVerbose
      ? await cdk(args, { environment, signal: this.signal, listener: (text) => this.screen.raw(text) })
      : await this.screen.during(`cdk ${subcommand}`, async (show) =>
          cdk(args, {
            environment,
            signal: this.signal,
            listener: (text, from) => {
              const progress = from === 'output' ? progressIn(text) : undefined;
              if (progress !== undefined) show(`cdk ${subcommand}  ${progress}`);
            },
          }),
        );
    observe(exitCode === 0, `cdk ${subcommand} ended with exit code ${exitCode}`, this.isVerbose ? '' : output);
    return output;
  }

  /** Runs `virtual-mfa` and returns what it prints; what it says beside that is the live line. */
  async virtualMfa(args: readonly [subcommand: string, ...string[]], environment: Environment = {}): Promise<string> {
    return this.screen.during(`virtual-mfa ${args[0]}`, async (show) => {
      const { exitCode, output, messages } = await virtualMfa(args, {
        environment: { ...this.localAws.environment, ...environment },
        signal: this.signal,
        // Its output may be secret: only what it says on the standard error is shown.
        listener: (text, from) => from === 'messages' && show(text.trimEnd()),
      });
      observe(exitCode === 0, `virtual-mfa ${args[0]} ended with exit code ${exitCode}`, messages);
      return output;
    });
  }

  /** Lets `virtual-mfa` draw on the terminal, where it draws best; a demo without a terminal shows what it prints. */
  async drawn(...args: readonly [subcommand: string, ...string[]]): Promise<void> {
    if (!this.screen.isTerminal) {
      this.screen.raw(await this.virtualMfa(args));
      return;
    }
    const { environment } = this.localAws;
    const { exitCode } = await virtualMfa(args, { environment, signal: this.signal, onTerminal: true });
    observe(exitCode === 0, `virtual-mfa ${args[0]} ended with exit code ${exitCode}`);
  }
}

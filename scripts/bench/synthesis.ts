import cdkJson from '../../cdk.json';
import { measureProcess, type Usage } from './measured-process';

export interface SynthesisOptions {
  /** Where the assembly goes. */
  readonly outdir: string;
  readonly context: Readonly<Record<string, string>>;
  /** Whether CDK checks the templates against its own rules, which is its default. */
  readonly validation?: boolean;
}

/** Runs an app of this repository as the CDK CLI does: with the context of cdk.json, and what `-c` gives. */
export async function synthesize(
  app: string,
  { outdir, context, validation = false }: SynthesisOptions,
): Promise<Usage> {
  return measureProcess(['--import', 'tsx', app], {
    environment: {
      ...(validation ? {} : { CDK_VALIDATION: 'false' }),
      CDK_OUTDIR: outdir,
      CDK_CONTEXT_JSON: JSON.stringify({ ...cdkJson.context, ...context }),
    },
  });
}

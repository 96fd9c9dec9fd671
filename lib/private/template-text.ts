import { CfnMapping, CfnParameter, type Stack } from 'aws-cdk-lib';
import { type IConstruct } from 'constructs';
import { holdsDynamicReference } from '../../lambda/contract/property-rules';

/**
 * Text in a template, as it may read once CloudFormation has evaluated its intrinsic functions. CloudFormation looks for
 * dynamic references only then, so a reference may be built of pieces.
 *
 * What comes with a deployment, such as the value that somebody gives to a parameter, is unknown.
 */
export class TemplateText {
  private parameters?: ReadonlyMap<string, unknown>;

  public constructor(private readonly stack: Stack) {}

  /** Whether a resolved value is, holds, or may become a dynamic reference. */
  public holdsReference(value: unknown): boolean {
    return this.some(value, holdsDynamicReference);
  }

  /** Whether a test is true of any text in a value; of the pieces that functions put together, whether they may build a reference. */
  private some(value: unknown, test: (text: string) => boolean): boolean {
    if (typeof value === 'string') return test(value);
    if (Array.isArray(value)) return value.some((item) => this.some(item, test));
    if (typeof value !== 'object' || value === null) return false;
    const entries = Object.entries(value);
    const [name = '', argument] = entries[0] ?? [];
    // Of a condition's name, an attribute and a resource, nothing is text that its author writes.
    if (entries.length === 1 && name === 'Fn::GetAtt') return false;
    if (entries.length === 1 && name === 'Ref') return this.some(this.valueOf(argument), test);
    if (entries.length === 1 && name.startsWith('Fn::'))
      return this.piecesOf(name, argument).some((piece) => this.some(piece, mayBuildReference));
    return entries.some(([key, member]) => test(key) || this.some(member, test));
  }

  private piecesOf(name: string, argument: unknown): unknown[] {
    const [first, ...others] = Array.isArray(argument) ? (argument as unknown[]) : [argument];
    if (name === 'Fn::FindInMap') return [this.valueOf(first), ...others];
    if (name !== 'Fn::Sub' || typeof first !== 'string') return [first, ...others];
    // Between the placeholders, and what stands in the place of each.
    const names = [...first.matchAll(/\$\{([^!}]+)\}/g)].map(([, placeholder]) => this.valueOf(placeholder));
    return [...first.split(/\$\{[^!}]+\}/), ...names, ...others];
  }

  /** What the template itself gives for a parameter or a mapping; nothing for what only the deployment knows. */
  private valueOf(logicalId: unknown): unknown {
    this.parameters ??= this.readParameters();
    return typeof logicalId === 'string' ? this.parameters.get(logicalId) : logicalId;
  }

  private readParameters(): ReadonlyMap<string, unknown> {
    const { stack } = this;
    const isOwn = (construct: IConstruct): construct is CfnParameter | CfnMapping =>
      (construct instanceof CfnParameter || construct instanceof CfnMapping) && construct.stack === stack;
    return new Map(
      stack.node
        .findAll()
        .filter(isOwn)
        .flatMap((element) => {
          const { Parameters = {}, Mappings = {} } = stack.resolve(element._toCloudFormation()) as {
            Parameters?: Readonly<Record<string, { readonly Default?: unknown }>>;
            Mappings?: Readonly<Record<string, unknown>>;
          };
          const defaults = Object.entries(Parameters).map(([id, { Default }]) => [id, Default] as const);
          return [...defaults, ...Object.entries(Mappings)];
        }),
    );
  }
}

/** Whether a piece of text may be a piece of a dynamic reference: `{{` or one of the braces at its edge, or the word. */
function mayBuildReference(piece: string): boolean {
  return /\{\{|^\s*\{|\{\s*$|resolve\s*:|^\s*resolve\s*$/i.test(piece);
}

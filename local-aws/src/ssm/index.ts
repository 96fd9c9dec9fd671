import type { Account } from '../account';
import { AwsError } from '../protocol/aws-error';
import { anything, flag, list, optional, text } from '../protocol/members';
import { action, type RpcService } from '../service';

interface Parameter {
  readonly name: string;
  value: string;
  type: string;
  version: number;
}

const parameterName = text({ min: 1, max: 2048 });

/** AWS Systems Manager, as far as CDK uses it: Parameter Store. */
export class Ssm implements RpcService {
  readonly name = 'ssm';
  readonly protocol = 'json';
  readonly namespace = 'AmazonSSM';
  readonly #parameters = new Map<string, Parameter>();

  constructor(private readonly account: Account) {}

  readonly actions: RpcService['actions'] = {
    PutParameter: action({
      input: {
        Name: parameterName,
        Value: text({ min: 1, max: 8192 }),
        Type: optional(text({ oneOf: ['String', 'StringList'] })),
        Description: optional(text()),
        Overwrite: optional(flag()),
        Tags: optional(anything()),
      },
      authorize: ({ Name }) => this.#on('ssm:PutParameter', Name),
      run: ({ Name, Value, Type = 'String', Overwrite = false }) => {
        const existing = this.#parameters.get(Name);
        if (existing && !Overwrite) {
          throw new AwsError(
            'ParameterAlreadyExists',
            'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
          );
        }
        const version = (existing?.version ?? 0) + 1;
        this.#parameters.set(Name, { name: Name, value: Value, type: Type, version });
        return { Version: version, Tier: 'Standard' };
      },
    }),
    GetParameter: action({
      input: { Name: parameterName, WithDecryption: optional(flag()) },
      authorize: ({ Name }) => this.#on('ssm:GetParameter', Name),
      run: ({ Name }) => ({ Parameter: this.#rendered(this.#get(Name)) }),
    }),
    GetParameters: action({
      input: { Names: list(parameterName), WithDecryption: optional(flag()) },
      authorize: ({ Names }) => Names.map((name) => this.#on('ssm:GetParameters', name)),
      run: ({ Names }) => ({
        Parameters: Names.flatMap((name) => this.#parameters.get(name) ?? []).map((found) => this.#rendered(found)),
        InvalidParameters: Names.filter((name) => !this.#parameters.has(name)),
      }),
    }),
    DeleteParameter: action({
      input: { Name: parameterName },
      authorize: ({ Name }) => this.#on('ssm:DeleteParameter', Name),
      run: ({ Name }) => {
        this.#parameters.delete(this.#get(Name).name);
        return {};
      },
    }),
  };

  #on(ssmAction: string, name: string): { action: string; resource: string } {
    return { action: ssmAction, resource: this.#arn(name) };
  }

  #arn(name: string): string {
    return this.account.arn('ssm', `parameter/${name.replace(/^\//, '')}`);
  }

  #get(name: string): Parameter {
    const parameter = this.#parameters.get(name);
    if (!parameter) throw new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
    return parameter;
  }

  #rendered({ name, value, type, version }: Parameter): Record<string, unknown> {
    return { Name: name, Type: type, Value: value, Version: version, ARN: this.#arn(name), DataType: 'text' };
  }
}

import type { Account } from '../account';
import type { AuthorizationRequest } from '../authorization';
import { AwsError, notImplemented } from '../protocol/aws-error';
import { specOf } from '../protocol/spec';
import type { Actions, RpcService } from '../service';

interface Parameter {
  readonly name: string;
  value: string;
  type: string;
  version: number;
}

/** AWS Systems Manager, as far as CDK uses it: Parameter Store. */
export class Ssm implements RpcService {
  readonly name = 'ssm';
  readonly protocol = 'json';
  readonly namespace = 'AmazonSSM';
  readonly spec = specOf('ssm');
  readonly echoesValues = true;
  readonly #parameters = new Map<string, Parameter>();

  constructor(private readonly account: Account) {}

  readonly actions: Actions<'ssm'> = {
    PutParameter: {
      takes: ['Name', 'Value', 'Type', 'Description', 'Overwrite', 'Tags'],
      run: ({ Name, Value, Type = 'String', Overwrite = false }) => {
        if (Type === 'SecureString') throw notImplemented('a parameter of the type SecureString');
        if (Value.length > 4096) {
          const message = 'Standard tier parameters support a maximum parameter value of 4096 characters.';
          throw new AwsError('ValidationException', message);
        }
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
    },
    GetParameter: {
      takes: ['Name', 'WithDecryption'],
      run: ({ Name }) => ({ Parameter: this.#rendered(this.#get(Name)) }),
    },
    DeleteParameter: {
      takes: ['Name'],
      run: ({ Name }) => {
        this.#parameters.delete(this.#get(Name).name);
        return {};
      },
    },
  };

  /** On the parameter that the input names. */
  authorize(name: string, { Name = '' }: { readonly Name?: string }): AuthorizationRequest {
    return { action: `ssm:${name}`, resource: this.#arn(Name) };
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

import { InvokeCommand } from '@aws-sdk/client-lambda';
import type { CurrentCode } from '../../lambda/contract/current-code';
import { PROPERTY_RULES } from '../../lambda/contract/property-rules';
import { partsOfSerialNumber } from '../../lambda/contract/serial-number';
import { type AwsAccess, calling } from './aws-access';
import { CommandFailure, failures } from './command-failure';

/** An alias of the function that gives out codes: each belongs to one device. */
const ALIAS = /^arn:[\w-]+:lambda:([\w-]+):\d{12}:function:[\w-]+:[\w-]+$/;

/** Asks a device's code function for the current code: the caller needs no seed. */
export async function codeOfFunction(functionArn: string, aws: AwsAccess): Promise<CurrentCode> {
  const [, region] = ALIAS.exec(functionArn) ?? [];
  if (region === undefined) {
    throw new CommandFailure(
      'usage',
      'The value of --code-function is no ARN of a function with an alias.',
      "Give the ARN of the device's codeFunction, which ends with the alias.",
    );
  }
  const command = new InvokeCommand({ FunctionName: functionArn });
  const { Payload, FunctionError } = await invoked(functionArn, () => aws.lambda(region).send(command));
  const answer = JSON.parse(Payload?.transformToString() ?? 'null') as unknown;
  if (FunctionError !== undefined) throw failures.noCodeOf(functionArn, messageIn(answer));
  if (!isCurrentCode(answer)) throw failures.noCodeOf(functionArn, 'Its answer is not that of a code function.');
  return answer;
}

async function invoked<T>(functionArn: string, invoke: () => Promise<T>): Promise<T> {
  try {
    return await calling('lambda:InvokeFunction', functionArn, invoke);
  } catch (error) {
    if (error instanceof Error && error.name === 'ResourceNotFoundException') {
      throw failures.noSuchCodeFunction(functionArn);
    }
    throw error;
  }
}

/** The function's own words; it says nothing secret. */
function messageIn(answer: unknown): string {
  const { errorMessage } = (answer ?? {}) as { readonly errorMessage?: unknown };
  return typeof errorMessage === 'string' ? errorMessage : 'It failed without a message.';
}

/** Whoever may change the function can have it answer anything. */
function isCurrentCode(answer: unknown): answer is CurrentCode {
  const { code, secondsLeft, serialNumber, userName } = (answer ?? {}) as Partial<Record<keyof CurrentCode, unknown>>;
  return (
    typeof code === 'string' &&
    /^\d{6}$/.test(code) &&
    typeof secondsLeft === 'number' &&
    typeof serialNumber === 'string' &&
    partsOfSerialNumber(serialNumber) !== undefined &&
    typeof userName === 'string' &&
    PROPERTY_RULES.UserName.accepts(userName)
  );
}

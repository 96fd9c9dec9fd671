import { InvokeCommand } from '@aws-sdk/client-lambda';
import { PERIOD_MILLISECONDS } from '../../lambda/contract/authentication-codes';
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
  const answer = jsonIn(Payload?.transformToString() ?? '');
  if (FunctionError !== undefined) throw failures.noCodeOf(functionArn, messageIn(answer));
  const code = currentCodeIn(answer);
  if (!code) throw failures.noCodeOf(functionArn, 'Its answer is not that of a code function.');
  return code;
}

/** Undefined for what is no JSON: the parser's error would quote it. */
function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
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

/** A function may fail with any text. */
const MESSAGE_MAX_LENGTH = 1_000;

/** The function's own words; it says nothing secret. */
function messageIn(answer: unknown): string {
  const { errorMessage } = (answer ?? {}) as { readonly errorMessage?: unknown };
  return typeof errorMessage === 'string' ? errorMessage.slice(0, MESSAGE_MAX_LENGTH) : 'It failed without a message.';
}

/** Whoever may change the function can have it answer anything: nothing but these members is taken. */
function currentCodeIn(answer: unknown): CurrentCode | undefined {
  const { code, secondsLeft, serialNumber, userName } = (answer ?? {}) as Partial<Record<keyof CurrentCode, unknown>>;
  const isCurrentCode =
    typeof code === 'string' &&
    /^\d{6}$/.test(code) &&
    typeof secondsLeft === 'number' &&
    Number.isInteger(secondsLeft) &&
    secondsLeft >= 1 &&
    secondsLeft <= PERIOD_MILLISECONDS / 1000 &&
    typeof serialNumber === 'string' &&
    partsOfSerialNumber(serialNumber) !== undefined &&
    typeof userName === 'string' &&
    PROPERTY_RULES.UserName.accepts(userName);
  return isCurrentCode ? { userName, serialNumber, code, secondsLeft } : undefined;
}

import { LimitExceededException, ServiceFailureException } from '@aws-sdk/client-iam';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asFailure, isAbsent, isAccessDenied, isNamed, isTemporary, withoutSecrets } from '../../lambda/aws/aws-errors';
import { Failure } from '../../lambda/failure';

function errorNamed(name: string, members: Readonly<Record<string, unknown>> = {}): Error {
  return Object.assign(new Error(`${name} on demand`), { name, ...members });
}

describe('an error that passes by itself', () => {
  it.each([
    errorNamed('Throttling', { $metadata: { httpStatusCode: 400 } }),
    errorNamed('ThrottlingException', { $metadata: { httpStatusCode: 400 } }),
    errorNamed('RequestLimitExceeded'),
    errorNamed('TooManyRequestsException', { $metadata: { httpStatusCode: 429 } }),
    errorNamed('AnythingAtAll', { $metadata: { httpStatusCode: 500 } }),
    errorNamed('AnythingAtAll', { $metadata: { httpStatusCode: 503 } }),
    errorNamed('TimeoutError'),
    errorNamed('Error', { code: 'ECONNRESET' }),
    errorNamed('Error', { code: 'ETIMEDOUT' }),
    errorNamed('Error', { code: 'EPIPE' }),
    errorNamed('EntityTemporarilyUnmodifiableException'),
    errorNamed('ConcurrentModificationException'),
    new ServiceFailureException({ message: 'on demand', $metadata: { httpStatusCode: 500 } }),
  ])('is temporary: $name', (error) => {
    expect(isTemporary(error)).toBe(true);
  });

  it.each([
    new LimitExceededException({ message: 'a quota', $metadata: { httpStatusCode: 409 } }),
    errorNamed('EntityAlreadyExistsException'),
    errorNamed('NoSuchEntityException'),
    errorNamed('InvalidAuthenticationCodeException'),
    errorNamed('DeleteConflictException'),
    errorNamed('AccessDenied', { $metadata: { httpStatusCode: 403 } }),
    errorNamed('ResourceNotFoundException', { $metadata: { httpStatusCode: 400 } }),
    errorNamed('TypeError'),
  ])('is not $name', (error) => {
    expect(isTemporary(error)).toBe(false);
  });

  it.each(['Throttling', undefined, null, { name: 'Throttling' }])('is no thrown thing but an Error: %j', (thrown) => {
    expect(isTemporary(thrown)).toBe(false);
    expect(isAccessDenied(thrown)).toBe(false);
    expect(isAbsent(thrown)).toBe(false);
    expect(isNamed(thrown, 'Throttling')).toBe(false);
  });
});

describe('a refusal', () => {
  it('is told by either spelling of AWS, and by no other name', () => {
    expect(isAccessDenied(errorNamed('AccessDenied'))).toBe(true);
    expect(isAccessDenied(errorNamed('AccessDeniedException'))).toBe(true);
    expect(isAccessDenied(errorNamed('ExpiredToken'))).toBe(false);
  });
});

describe('a message of AWS, before it is printed,', () => {
  const seed = fc.stringMatching(/^[A-Z2-7]{32,104}$/);
  const code = fc.stringMatching(/^\d{6}$/);
  const around = fc.constantFrom('', ' ', '"', "'", ': ', 'secret=', '&', '\n', ',');

  it('loses whatever may be a seed', () => {
    fc.assert(
      fc.property(seed, around, around, (secret, before, after) => {
        const printed = withoutSecrets(`Value ${before}${secret}${after} failed`);
        expect(printed).not.toContain(secret);
        expect(printed).not.toContain(secret.slice(0, 16));
        expect(printed).toContain('[removed]');
      }),
    );
  });

  it('loses whatever may be a code', () => {
    fc.assert(
      fc.property(code, around, around, (secret, before, after) => {
        expect(withoutSecrets(`Value ${before}${secret}${after} failed`)).not.toContain(secret);
      }),
    );
  });

  it('is cut where it is long', () => {
    expect(withoutSecrets('x'.repeat(200_000)).length).toBeLessThan(2_000);
  });

  it('keeps the account id, and what is short', () => {
    const message = 'User: arn:aws:sts::123456789012:assumed-role/r/s may not, request 12345';
    expect(withoutSecrets(message)).toBe(message);
  });
});

describe('whatever was thrown', () => {
  it('stays what it is, if it is a failure', () => {
    const failure = new Failure('It happened.', 'Do this.');
    expect(asFailure(failure)).toBe(failure);
  });

  it('becomes a failure with the name of the error and without secrets', () => {
    const failure = asFailure(errorNamed('ValidationError', { message: 'Value 123456 of JBSWY3DPEHPK3PXPJBSWY3DP' }));

    expect(failure).toBeInstanceOf(Failure);
    expect(failure.message).toContain('ValidationError: Value [removed] of [removed]');
    expect(failure.message).not.toContain('123456');
    expect(failure.message).not.toContain('JBSWY3DP');
  });

  it.each(['JBSWY3DPEHPK3PXPJBSWY3DP', 123456, undefined, null])('is not printed, if it is no error: %j', (thrown) => {
    const { message } = asFailure(thrown);

    expect(message).toContain('an unknown error');
    expect(message).not.toContain(String(thrown));
  });
});

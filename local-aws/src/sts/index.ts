import type { Account } from '../account';
import { evaluateResourcePolicy, globalContext } from '../authorization';
import type { PolicyDocument } from '../policy-document';
import type { Credentials } from '../credentials';
import type { IamState } from '../iam/state';
import { readPolicy } from '../iam/inputs';
import type { Principal } from '../principal';
import { AwsError } from '../protocol/aws-error';
import { specOf } from '../protocol/spec';
import type { Actions, RpcService } from '../service';
import { MfaCodes } from './mfa-codes';

/** Temporary credentials of a user that were got without MFA may not call IAM at all. */
const NO_IAM: PolicyDocument = { Statement: { Effect: 'Deny', Action: 'iam:*', Resource: '*' } };

/** AWS Security Token Service. */
export class Sts implements RpcService {
  readonly name = 'sts';
  readonly protocol = 'query';
  readonly namespace = 'https://sts.amazonaws.com/doc/2011-06-15/';
  readonly spec = specOf('sts');
  readonly echoesValues = true;

  readonly #mfaCodes: MfaCodes;

  constructor(
    private readonly account: Account,
    private readonly iam: IamState,
  ) {
    this.#mfaCodes = new MfaCodes(iam.mfaBindings, account.now);
  }

  readonly actions: Actions<'sts'> = {
    GetCallerIdentity: {
      takes: [],
      run: (_input, { caller }) => ({ UserId: caller.userId, Account: this.account.accountId, Arn: caller.arn }),
    },

    AssumeRole: {
      takes: [
        'RoleArn',
        'RoleSessionName',
        'DurationSeconds',
        'ExternalId',
        'Policy',
        'Tags',
        'TransitiveTagKeys',
        'SerialNumber',
        'TokenCode',
      ],
      authorize: ({ RoleArn }) => ({ action: 'sts:AssumeRole', resource: requireArn(RoleArn) }),
      run: (
        { RoleArn, RoleSessionName, DurationSeconds = 3600, ExternalId, Policy, SerialNumber, TokenCode },
        { caller: signer },
      ) => {
        const withMfa = SerialNumber !== undefined || TokenCode !== undefined;
        if (withMfa) this.#requireCode(signer, SerialNumber, TokenCode);
        const caller = withMfa ? { ...signer, ...this.#multiFactorAuth() } : signer;
        const role = this.iam.roles.all().find((candidate) => this.iam.roleArn(candidate) === RoleArn);
        if (!role || !this.#trusts(role.trustPolicy, caller, ExternalId)) {
          throw new AwsError(
            'AccessDenied',
            `User: ${caller.arn} is not authorized to perform: sts:AssumeRole on resource: ${RoleArn}`,
            403,
          );
        }
        if (DurationSeconds > role.maxSessionDuration) {
          throw new AwsError(
            'ValidationError',
            'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
          );
        }
        const principal: Principal = {
          ...this.iam.rolePrincipal(role, RoleSessionName),
          ...(Policy === undefined ? {} : { sessionPolicy: readPolicy(Policy, 'policy') }),
        };
        return {
          Credentials: rendered(this.account.credentials.issueSession(principal, DurationSeconds)),
          AssumedRoleUser: { AssumedRoleId: principal.userId, Arn: principal.arn },
        };
      },
    },

    GetSessionToken: {
      takes: ['DurationSeconds', 'SerialNumber', 'TokenCode'],
      run: ({ DurationSeconds = 43_200, SerialNumber, TokenCode }, { caller }) => {
        if (caller.multiFactorAuthPresent !== undefined) {
          throw new AwsError('AccessDenied', 'Cannot call GetSessionToken with session credentials', 403);
        }
        const withMfa = SerialNumber !== undefined || TokenCode !== undefined;
        if (withMfa) this.#requireCode(caller, SerialNumber, TokenCode);
        const session = withMfa ? { ...caller, ...this.#multiFactorAuth() } : sessionWithoutMfa(caller);
        return { Credentials: rendered(this.account.credentials.issueSession(session, DurationSeconds)) };
      },
    },
  };

  /** Credentials of a role for a service that runs as it, as Lambda does. */
  assumeRoleForService(roleArn: string, roleSessionName: string): Credentials {
    const role = this.iam.roles.all().find((candidate) => this.iam.roleArn(candidate) === roleArn);
    if (!role) throw new AwsError('InvalidParameterValueException', `The role ${roleArn} does not exist`);
    return this.account.credentials.issueSession(this.iam.rolePrincipal(role, roleSessionName), 43_200);
  }

  /** A role as a service acts in it; throws where its trust policy does not let the service in. */
  roleForService(roleArn: string, service: string, context: Readonly<Record<string, string>>): Principal {
    const role = this.iam.roles.all().find((candidate) => this.iam.roleArn(candidate) === roleArn);
    const request = { action: 'sts:AssumeRole', resource: '*' };
    if (!role || evaluateResourcePolicy(role.trustPolicy, [service], request, context) !== 'allowed') {
      throw new AwsError('AccessDenied', `${service} may not assume the role ${roleArn}`, 403);
    }
    return this.iam.rolePrincipal(role, service.replace(/\..*/, ''));
  }

  /** What a session that begins now, with a code, knows of it. */
  #multiFactorAuth(): Pick<Principal, 'multiFactorAuthPresent' | 'multiFactorAuthAgeSeconds'> {
    const began = this.account.now();
    return {
      multiFactorAuthPresent: true,
      multiFactorAuthAgeSeconds: () => Math.floor((this.account.now() - began) / 1000),
    };
  }

  #trusts(trustPolicy: PolicyDocument, caller: Principal, externalId: string | undefined): boolean {
    const names = [this.account.accountId, this.account.root.arn, caller.arn, caller.principalArn];
    const request = { action: 'sts:AssumeRole', resource: '*' };
    const context = { ...globalContext(caller), ...(externalId === undefined ? {} : { 'sts:ExternalId': externalId }) };
    return evaluateResourcePolicy(trustPolicy, names, request, context) === 'allowed';
  }

  #requireCode(caller: Principal, serialNumber: string | undefined, code: string | undefined): void {
    const verdict =
      serialNumber === undefined || caller.type !== 'user'
        ? 'unavailable'
        : this.#mfaCodes.verify(caller.userId, serialNumber, code ?? '');
    if (verdict === 'unavailable') {
      throw new AwsError(
        'AccessDenied',
        'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.',
        403,
      );
    }
    if (verdict === 'invalid') {
      throw new AwsError('AccessDenied', 'MultiFactorAuthentication failed with invalid MFA one time pass code. ', 403);
    }
  }
}

function requireArn(arn: string): string {
  if (/^arn:[^:]+:[^:]+:[^:]*:[^:]*:./.test(arn)) return arn;
  throw new AwsError('ValidationError', `${arn} is invalid`);
}

function sessionWithoutMfa(caller: Principal): Principal {
  return {
    ...caller,
    multiFactorAuthPresent: false,
    policies: () => {
      const own = caller.policies();
      return own && [...own, NO_IAM];
    },
  };
}

function rendered({ accessKeyId, secretAccessKey, sessionToken, expiration }: Credentials): Record<string, unknown> {
  return {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secretAccessKey,
    SessionToken: sessionToken,
    Expiration: expiration,
  };
}

import { randomBytes } from 'node:crypto';
import type { Principal } from './principal';
import { AwsError } from './protocol/aws-error';

/** An access key with its secret, and a session token where the credentials are temporary. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

interface Issued {
  readonly principal: Principal;
  readonly credentials: Credentials;
}

/** Every access key that the account has issued, and whose it is. */
export class CredentialRegistry {
  readonly #issued = new Map<string, Issued>();

  constructor(private readonly now: () => number) {}

  /** Issues a long-term access key (`AKIA…`). */
  issueAccessKey(principal: Principal): Credentials {
    return this.#issue(principal, 'AKIA');
  }

  /** Issues temporary credentials (`ASIA…`). */
  issueSession(principal: Principal, durationSeconds: number): Credentials {
    return this.#issue({ ...principal, tokenIssueTime: new Date(this.now()) }, 'ASIA', {
      sessionToken: randomBytes(96).toString('base64'),
      expiration: new Date(this.now() + durationSeconds * 1000),
    });
  }

  /** Forgets an access key: whoever still signs with it is refused. */
  revoke(accessKeyId: string): void {
    this.#issued.delete(accessKeyId);
  }

  /** Finds who signs with an access key; throws what AWS answers for an unknown or an expired one. */
  principalOf(accessKeyId: string, sessionToken: string | undefined): Principal {
    const issued = this.#issued.get(accessKeyId);
    if (!issued || issued.credentials.sessionToken !== sessionToken) {
      throw new AwsError(
        'InvalidClientTokenId',
        'The security token included in the request is invalid. (local-aws knows the access key that it printed at its start, and those it issued.)',
        403,
      );
    }
    const { expiration } = issued.credentials;
    if (expiration && expiration.getTime() <= this.now()) {
      throw new AwsError('ExpiredToken', 'The security token included in the request is expired', 403);
    }
    return issued.principal;
  }

  #issue(
    principal: Principal,
    prefix: string,
    session: Pick<Credentials, 'sessionToken' | 'expiration'> = {},
  ): Credentials {
    const credentials: Credentials = {
      accessKeyId: prefix + uniqueIdSuffix(),
      secretAccessKey: randomBytes(30).toString('base64'),
      ...session,
    };
    this.#issued.set(credentials.accessKeyId, { principal, credentials });
    return credentials;
  }
}

/** The 16 characters that follow the prefix of AWS's unique ids and access keys. */
export function uniqueIdSuffix(): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return Array.from(randomBytes(16), (byte) => alphabet.charAt(byte % 32)).join('');
}

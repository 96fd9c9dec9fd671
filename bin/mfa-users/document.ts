/** The users that a team declares, as the file mfa-users.json has them. */
export interface MfaUsersDocument {
  readonly $schema?: string;
  readonly StackName?: string;
  readonly Defaults?: MfaUserOptions;
  /** Groups that the stacks create. */
  readonly Groups?: readonly MfaGroup[];
  /** Requires MFA of all users; absent: of nobody. */
  readonly Enforcement?: MfaEnforcement;
  readonly Users: readonly MfaUser[];
}

/** What users may have in common; the keys are parameters of CreateUser and CreateVirtualMFADevice where these have such. */
export interface MfaUserOptions {
  readonly UserPath?: string;
  readonly CreateUser?: boolean;
  /** Names of groups, created or not. */
  readonly Groups?: readonly string[];
  readonly Path?: string;
  readonly Issuer?: string;
  readonly RotationId?: string;
  readonly RotateAfterDays?: number;
  readonly EncryptionKeyArn?: string;
  readonly AllowKeyOfAnotherAccount?: boolean;
  readonly RemovalPolicy?: 'DESTROY' | 'RETAIN';
  readonly RemoveOtherDevicesWithUser?: boolean;
  readonly Tags?: readonly MfaDeviceTag[];
}

/** One user and the device. */
export interface MfaUser extends MfaUserOptions {
  readonly UserName: string;
  readonly VirtualMFADeviceName?: string;
}

export interface MfaDeviceTag {
  readonly Key: string;
  readonly Value: string;
}

export interface MfaGroup {
  readonly GroupName: string;
  readonly ManagedPolicyArns?: readonly string[];
}

export interface MfaEnforcement {
  readonly SelfEnrollment?: boolean;
}

/** A user with what the document's defaults add. Of two tags with one key, the user's counts. */
export function withDefaults(user: MfaUser, defaults: MfaUserOptions = {}): MfaUser {
  const own = new Set(user.Tags?.map(({ Key }) => Key));
  const tags = [...(defaults.Tags ?? []).filter(({ Key }) => !own.has(Key)), ...(user.Tags ?? [])];
  return { ...defaults, ...user, ...(tags.length === 0 ? {} : { Tags: tags }) };
}

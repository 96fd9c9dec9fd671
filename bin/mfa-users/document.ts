/** The users that a team declares, as the file mfa-users.json has them. */
export interface MfaUsersDocument {
  readonly $schema?: string;
  readonly StackName?: string;
  readonly RotationId?: string;
  readonly Users: readonly MfaUser[];
}

/** One user and the device; the keys are parameters of CreateUser and CreateVirtualMFADevice where these have such. */
export interface MfaUser {
  readonly UserName: string;
  readonly UserPath?: string;
  readonly CreateUser?: boolean;
  readonly VirtualMFADeviceName?: string;
  readonly Path?: string;
  readonly Issuer?: string;
  readonly RotationId?: string;
  readonly EncryptionKeyArn?: string;
  readonly AllowKeyOfAnotherAccount?: boolean;
  readonly RemovalPolicy?: 'DESTROY' | 'RETAIN';
  readonly Tags?: readonly MfaDeviceTag[];
}

export interface MfaDeviceTag {
  readonly Key: string;
  readonly Value: string;
}

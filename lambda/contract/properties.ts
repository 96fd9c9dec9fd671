/** The type of the custom resource, as templates and the CloudFormation console show it. */
export const VIRTUAL_MFA_DEVICE_RESOURCE_TYPE = 'Custom::IAMVirtualMFADevice';

/** The custom resource's properties, as they travel through a template. CloudFormation delivers every scalar as a string. */
export interface VirtualMfaDeviceProperties {
  /** Friendly name of the IAM user the device is enabled for. A change replaces the device. */
  readonly UserName: string;
  /** ARN of the secret that stores the seed. A change is made in place only together with a replacement of the device. */
  readonly SeedSecretArn: string;
  /** Explicit device name; without it the handler computes one. A change replaces the device. */
  readonly VirtualMFADeviceName?: string;
  /** IAM path of the device, `/` without it. A change replaces the device. */
  readonly Path?: string;
  /** Issuer in the otpauth label. Changed in place. */
  readonly Issuer?: string;
  /** Any text; a change replaces the device, and with it the seed. */
  readonly RotationId?: string;
  /** A device that exists already, and is adopted. Another serial number replaces the device. */
  readonly Existing?: ExistingVirtualMfaDeviceProperties;
  /**
   * Logical id of the user, if the stack deletes the user's other devices together with the user. A user whom the stack does not
   * delete has none. Changed in place.
   */
  readonly RemoveOtherDevicesWithUser?: string;
  /** Tags of the device, besides the ownership tags. Changed in place. */
  readonly Tags?: readonly VirtualMfaDeviceTag[];
}

/** A device that somebody else has made, and where its seed is. */
export interface ExistingVirtualMfaDeviceProperties {
  /** The device's serial number (its ARN). */
  readonly SerialNumber: string;
  /** ARN of the secret that holds the seed. Read when the device is adopted. */
  readonly SeedSecretArn: string;
  /** The member of the secret's JSON that is the seed; without it, the whole value is. */
  readonly SeedField?: string;
  /** `true`: the device is deleted when it leaves the stack. Otherwise it is left as it was found. */
  readonly DeleteDevice?: string;
}

/** What the construct calls each property: errors use these names, at synthesis and at deploy time. */
export const CONSTRUCT_PROPERTIES = {
  UserName: 'user',
  SeedSecretArn: 'seedSecret',
  VirtualMFADeviceName: 'virtualMfaDeviceName',
  Path: 'path',
  Issuer: 'issuer',
  RotationId: 'rotationId',
  Existing: 'existing',
  RemoveOtherDevicesWithUser: 'removeOtherDevicesWithUser',
  Tags: 'tags',
} as const satisfies Record<keyof VirtualMfaDeviceProperties, string>;

/** A tag, as IAM spells it. */
export interface VirtualMfaDeviceTag {
  readonly Key: string;
  readonly Value: string;
}

/** The attributes that `Fn::GetAtt` can read, none of them secret. */
export interface VirtualMfaDeviceAttributes {
  readonly SerialNumber: string;
  readonly UserName: string;
  readonly VirtualMFADeviceName: string;
}

/** The part of CloudFormation's event that an enrolment is computed from. */
export interface EnrollmentEvent {
  readonly StackId: string;
  readonly LogicalResourceId: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
}

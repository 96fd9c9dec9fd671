import type { Account } from '../account';
import type { PolicyDocument } from '../policy-document';
import type { Principal } from '../principal';
import {
  Entities,
  type Group,
  type HardwareMfaDevice,
  type Identity,
  type ManagedPolicy,
  noSuchEntity,
  type Role,
  type User,
  type VirtualMfaDevice,
} from './entities';
import { MfaBindings } from './mfa-bindings';

/** Everything that IAM holds for one account. */
export class IamState {
  readonly users = new Entities<User>('User');
  readonly groups = new Entities<Group>('Group');
  readonly roles = new Entities<Role>('Role');
  readonly managedPolicies = new Map<string, ManagedPolicy>();
  readonly virtualMfaDevices = new Map<string, VirtualMfaDevice>();
  readonly hardwareMfaDevices = new Map<string, HardwareMfaDevice>();
  readonly mfaBindings = new MfaBindings();
  accountAlias: string | undefined;

  constructor(readonly account: Account) {}

  userArn({ path, name }: Identity): string {
    return this.account.arn('iam', `user${path}${name}`);
  }

  /** A user as lists have it: without tags and permissions boundary. */
  listedUser(user: User) {
    const { path: Path, name: UserName, id: UserId, createDate: CreateDate } = user;
    return { Path, UserName, UserId, Arn: this.userArn(user), CreateDate };
  }

  groupArn({ path, name }: Identity): string {
    return this.account.arn('iam', `group${path}${name}`);
  }

  roleArn({ path, name }: Identity): string {
    return this.account.arn('iam', `role${path}${name}`);
  }

  /** The ARN of a user, or, of one that does not exist, the ARN without a path. */
  arnOfUserNamed(name: string): string {
    const user = this.users.find(name);
    return user ? this.userArn(user) : this.account.arn('iam', `user/${name}`);
  }

  device(serialNumber: string): VirtualMfaDevice {
    const device = this.virtualMfaDevices.get(serialNumber);
    if (!device) throw noSuchEntity(`MFA Device with serial number ${serialNumber} does not exist.`);
    return device;
  }

  /** Enables a hardware token or a passkey, as only a person with the device in hand can. It signs nobody in. */
  enableHardwareDevice(userName: string, serialNumber: string): void {
    const enableDate = new Date(this.account.now());
    this.hardwareMfaDevices.set(serialNumber, { serialNumber, assignment: { userName, enableDate } });
  }

  devicesOf(userName: string): readonly (VirtualMfaDevice | HardwareMfaDevice)[] {
    return [...this.virtualMfaDevices.values(), ...this.hardwareMfaDevices.values()].filter(
      ({ assignment }) => assignment?.userName.toLowerCase() === userName.toLowerCase(),
    );
  }

  /** Lets STS know, in its time, whose a device is now. */
  publishBinding({ serialNumber, seed, driftTimeSteps, assignment }: VirtualMfaDevice): void {
    const binding = assignment && { userId: this.users.get(assignment.userName).id, seed, driftTimeSteps };
    this.mfaBindings.record(serialNumber, binding, this.account.now());
  }

  /** The document of a managed policy's default version, the account's own or AWS's. */
  documentOf(policyArn: string): PolicyDocument {
    const own = this.managedPolicies.get(policyArn);
    const document = own?.versions.get(own.defaultVersionId) ?? awsManagedPolicy(policyArn);
    if (!document) throw noSuchEntity(`Policy ${policyArn} does not exist or is not attachable.`);
    return document;
  }

  /** The principal behind a user's long-term access key. Its policies are looked up anew at each call. */
  userPrincipal(user: User): Principal {
    const arn = () => this.userArn(user);
    return {
      type: 'user',
      // A user who moves to another path keeps the access key.
      get arn() {
        return arn();
      },
      get principalArn() {
        return arn();
      },
      userId: user.id,
      name: user.name,
      policies: () =>
        [user, ...[...user.groups].map((group) => this.groups.get(group))].flatMap((i) => this.#policiesOf(i)),
      boundary: () => (user.permissionsBoundary === undefined ? undefined : this.documentOf(user.permissionsBoundary)),
    };
  }

  /** The principal behind a role's session. */
  rolePrincipal(role: Role, sessionName: string): Principal {
    return {
      type: 'role',
      arn: this.account.arn('sts', `assumed-role/${role.name}/${sessionName}`),
      principalArn: this.roleArn(role),
      userId: `${role.id}:${sessionName}`,
      name: role.name,
      policies: () => this.#policiesOf(role),
      boundary: () => (role.permissionsBoundary === undefined ? undefined : this.documentOf(role.permissionsBoundary)),
      multiFactorAuthPresent: false,
    };
  }

  #policiesOf(identity: Identity): PolicyDocument[] {
    return [...identity.inlinePolicies.values(), ...[...identity.attachedPolicies].map((arn) => this.documentOf(arn))];
  }
}

function allow(...actions: string[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: actions, Resource: '*' } };
}

/** The AWS managed policies that the account knows, by the part of the ARN after `arn:<partition>:iam::aws:policy/`. */
const AWS_MANAGED_POLICIES: Readonly<Record<string, PolicyDocument>> = {
  AdministratorAccess: allow('*'),
  ReadOnlyAccess: allow('iam:Get*', 'iam:List*', 's3:Get*', 's3:List*', 'secretsmanager:List*', 'sts:Get*'),
  IAMFullAccess: allow('iam:*'),
  'service-role/AWSLambdaBasicExecutionRole': allow('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'),
};

function awsManagedPolicy(arn: string): PolicyDocument | undefined {
  const [, name] = /^arn:[\w-]+:iam::aws:policy\/(.+)$/.exec(arn) ?? [];
  return name === undefined ? undefined : AWS_MANAGED_POLICIES[name];
}

import { type CfnResource, Stack } from 'aws-cdk-lib';
import { Dependable, type IConstruct, type IDependable } from 'constructs';
import { type EnrollmentEvent, type VirtualMfaDeviceProperties } from '../../lambda/contract/properties';

/** The custom resource of a device, and what its events hold. */
interface WatchedDevice {
  readonly resource: CfnResource;
  readonly properties: Readonly<Record<keyof VirtualMfaDeviceProperties, unknown>>;
}

const devicesByStack = new WeakMap<Stack, WatchedDevice[]>();

/** Remembers a device by its stack, for a watch that may be declared before or after it. */
export function rememberProperties(resource: CfnResource, properties: WatchedDevice['properties']): void {
  const stack = Stack.of(resource);
  devicesByStack.set(stack, [...devicesOf(stack), { resource, properties }]);
}

/** The custom resources of a stack's devices, declared so far. */
export function deviceResourcesOf(scope: IConstruct): CfnResource[] {
  return devicesOf(Stack.of(scope)).map(({ resource }) => resource);
}

/** What CloudFormation's events hold of a stack's devices, declared so far. */
export function deviceEventsOf(scope: IConstruct): Omit<EnrollmentEvent, 'StackId'>[] {
  return devicesOf(Stack.of(scope)).map(({ resource, properties }) => {
    // The device's own tags are for deployments (see lambda/watch/look.ts), and a watch removes nothing.
    const { Tags: _tags, RemoveOtherDevicesWithUser: _user, ...ResourceProperties } = properties;
    return { LogicalResourceId: resource.logicalId, ResourceProperties };
  });
}

/** All devices of a stack. */
export function deviceDependency(scope: IConstruct): IDependable {
  const dependency: IDependable = {};
  Dependable.implement(dependency, new DevicesOfStack(scope));
  return dependency;
}

class DevicesOfStack extends Dependable {
  public constructor(private readonly scope: IConstruct) {
    super();
  }

  /** Read at synthesis, for aspects add devices too. */
  public get dependencyRoots(): IConstruct[] {
    return deviceResourcesOf(this.scope);
  }
}

function devicesOf(stack: Stack): readonly WatchedDevice[] {
  return devicesByStack.get(stack) ?? [];
}

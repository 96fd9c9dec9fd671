import { aws_iam as iam, CfnResource, Stack } from 'aws-cdk-lib';
import { Dependable, type IConstruct, type IDependable } from 'constructs';

/**
 * Everything that the user construct holds: it is there before the device, and the device is gone before it goes. This
 * also keeps CloudFormation from changing the user's policies or groups while the device is being enabled, which IAM
 * answers with ConcurrentModification.
 *
 * Two things in that tree are left out, for they would close a circle: other devices (a device may be declared in its
 * user's scope, beside a second one), and policies that name this device.
 */
export function userDependency(
  user: IConstruct,
  device: CfnResource,
  isDevice: (construct: IConstruct) => boolean,
): IDependable {
  const dependency: IDependable = {};
  Dependable.implement(dependency, new UserTree(user, device, isDevice));
  return dependency;
}

class UserTree extends Dependable {
  public constructor(
    private readonly user: IConstruct,
    private readonly device: CfnResource,
    private readonly isDevice: (construct: IConstruct) => boolean,
  ) {
    super();
  }

  /** Read at synthesis, when the tree is complete. */
  public get dependencyRoots(): IConstruct[] {
    return this.user.node
      .findAll()
      .filter((construct) => CfnResource.isCfnResource(construct))
      .filter((resource) => !resource.node.scopes.some(this.isDevice) && !namesDevice(resource, this.device));
  }
}

function namesDevice(resource: CfnResource, device: CfnResource): boolean {
  const stack = Stack.of(device);
  const isPolicy = resource instanceof iam.CfnPolicy || resource instanceof iam.CfnManagedPolicy;
  if (!isPolicy || Stack.of(resource) !== stack) {
    return false;
  }
  const document: unknown = resource.policyDocument;
  // Through toJSON, for resolving the document itself would close it to further statements.
  const rendered: unknown = stack.resolve(document instanceof iam.PolicyDocument ? document.toJSON() : document);
  return JSON.stringify(rendered).includes(`"${stack.getLogicalId(device)}"`);
}

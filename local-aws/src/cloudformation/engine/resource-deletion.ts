import type { ProvisionedResource, Stack } from '../stack';
import { reversed, runInOrder } from '../template/graph';
import type { ResourceProvisioner } from './resource-provisioner';
import { provisionedGraph } from './stack-scope';

/**
 * Deletes resources against the order of their dependencies. What a resource depended on goes even if its own deletion failed:
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/852
 *
 * @param isKept whether a resource stays, though the stack forgets it
 * @param closing aborted when local-aws closes
 * @returns those whose deletion failed
 */
export async function deleteResources(
  stack: Stack,
  provisioner: ResourceProvisioner,
  resources: readonly ProvisionedResource[],
  isKept: (resource: ProvisionedResource) => boolean,
  closing: AbortSignal,
): Promise<readonly ProvisionedResource[]> {
  const nodes = new Map(resources.map((resource) => [`${resource.logicalId} ${resource.physicalId}`, resource]));
  const others = [...(stack.rollbackPoint?.resources.values() ?? []), ...stack.resources.values()];
  const failed: ProvisionedResource[] = [];
  const work = async (node: string): Promise<boolean> => {
    const resource = nodes.get(node);
    if (!resource) throw new Error(`${node} is not among the resources to delete`);
    if (await provisioner.delete(resource, isKept(resource))) {
      if (stack.resources.get(resource.logicalId)?.physicalId === resource.physicalId) {
        stack.resources.delete(resource.logicalId);
      }
      stack.created = stack.created.filter((created) => !isSame(created, resource));
    } else {
      failed.push(resource);
    }
    return true;
  };
  await runInOrder(reversed(provisionedGraph(nodes, others)), work, { stop: false, signal: closing });
  return failed;
}

export function isSame(a: ProvisionedResource, b: ProvisionedResource): boolean {
  return a.logicalId === b.logicalId && a.physicalId === b.physicalId;
}

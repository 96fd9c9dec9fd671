import type { ProvisionedResource, Stack } from '../stack';
import { reversed, runInOrder } from '../template/graph';
import type { ResourceProvisioner } from './resource-provisioner';
import { provisionedGraph } from './stack-scope';

export interface DeletionOptions {
  /** Whether a resource stays, though the stack forgets it. */
  readonly isKept: (resource: ProvisionedResource) => boolean;
  /** Aborted when local-aws closes. */
  readonly closing: AbortSignal;
  /** How often each deletion is tried; once by default. */
  readonly attempts?: number | undefined;
}

/**
 * Deletes resources against the order of their dependencies. What a resource depended on goes even if its own deletion failed:
 * https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/852
 *
 * @returns the logical ids of those that failed
 */
export async function deleteResources(
  stack: Stack,
  provisioner: ResourceProvisioner,
  resources: readonly ProvisionedResource[],
  { isKept, closing, attempts = 1 }: DeletionOptions,
): Promise<readonly string[]> {
  const nodes = new Map(resources.map((resource) => [`${resource.logicalId} ${resource.physicalId}`, resource]));
  const others = [...(stack.rollbackPoint?.resources.values() ?? []), ...stack.resources.values()];
  const failed = new Set<string>();
  const tryToDelete = async (resource: ProvisionedResource): Promise<boolean> => {
    for (let attempt = 1; attempt <= attempts && !closing.aborted; attempt += 1) {
      if (await provisioner.delete(resource, isKept(resource))) return true;
    }
    return false;
  };
  const work = async (node: string): Promise<boolean> => {
    const resource = nodes.get(node);
    if (!resource) throw new Error(`${node} is not among the resources to delete`);
    if (await tryToDelete(resource)) {
      if (stack.resources.get(resource.logicalId)?.physicalId === resource.physicalId) {
        stack.resources.delete(resource.logicalId);
      }
      stack.created = stack.created.filter((created) => !isSame(created, resource));
    } else {
      failed.add(resource.logicalId);
    }
    return true;
  };
  await runInOrder(reversed(provisionedGraph(nodes, others)), work, { stop: false, signal: closing });
  return [...failed];
}

export function isSame(a: ProvisionedResource, b: ProvisionedResource): boolean {
  return a.logicalId === b.logicalId && a.physicalId === b.physicalId;
}

import { createHash } from 'node:crypto';
import { type CfnResource, Lazy, Stack } from 'aws-cdk-lib';

/**
 * Makes a policy a new resource whenever what it names is another set.
 *
 * Why not one policy that grows and shrinks: when a device leaves the template, or moves to another user or key,
 * CloudFormation updates existing policies first and deletes the old device only afterwards, in the clean-up. By then an
 * updated policy no longer names the old user or key, and the handler would be denied what it needs to delete the device.
 * So the logical id carries a hash. Another set is another policy, which is attached before any device is touched, and
 * the old policy goes in the clean-up, after the devices that depend on it.
 *
 * @param policy the policy
 * @param named what it names, each as text, in any order; read at synthesis
 */
export function makeAnewForAnotherSet(policy: CfnResource, named: () => readonly string[]): void {
  const stack = Stack.of(policy);
  policy.overrideLogicalId(
    Lazy.uncachedString({ produce: () => `${stack.getLogicalId(policy)}${generationOf(named())}` }),
  );
}

/** A short hash of a set of texts. */
export function generationOf(named: readonly string[]): string {
  return createHash('sha256')
    .update([...named].sort().join('\n'))
    .digest('hex')
    .slice(0, 8)
    .toUpperCase();
}

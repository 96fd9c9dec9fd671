import type { Account } from '../../account';
import { validationError } from '../../protocol/aws-error';
import { mergeTags, type ProviderOf } from '../provider';
import type { ProvisionedResource, Stack, StackDefinition, StackOutput, Tag } from '../stack';
import type { StackRegistry } from '../stack-registry';
import { runInOrder } from '../template/graph';
import { sameValue } from '../../protocol/json';
import { deleteResources, isSame } from './resource-deletion';
import { type DesiredResource, ResourceProvisioner } from './resource-provisioner';
import { provisionedGraph, StackScope, valuesOf } from './stack-scope';

/** How an operation on a stack shall go about a failure. */
export interface OperationOptions {
  readonly clientRequestToken?: string | undefined;
  readonly onFailure?: 'ROLLBACK' | 'DO_NOTHING' | 'DELETE';
  /** Deletes what the operation created even if its policy is Retain. */
  readonly retainExceptOnCreate?: boolean | undefined;
}

/** What the engine works with. */
export interface Engine {
  readonly account: Account;
  readonly registry: StackRegistry;
  readonly providerOf: ProviderOf;
  /** Aborted when local-aws closes. */
  readonly closing: AbortSignal;
}

/** How often a clean-up tries to delete a resource before it leaves the resource behind. AWS waits three minutes in between. */
const CLEAN_UP_ROUNDS = 3;

/** Creates, updates, rolls back and deletes one stack, in the sequences of statuses that CloudFormation documents. */
export class StackOperation {
  readonly #provisioner: ResourceProvisioner;

  constructor(
    private readonly engine: Engine,
    private readonly stack: Stack,
    private readonly options: OperationOptions = {},
  ) {
    this.#provisioner = new ResourceProvisioner(engine.account, stack, engine.providerOf, options.clientRequestToken);
  }

  /** Enters CREATE_IN_PROGRESS at once, and answers when the creation has ended. */
  async create(definition: StackDefinition): Promise<void> {
    const { stack } = this;
    stack.rollbackPoint = { resources: new Map() };
    stack.created = [];
    stack.definition = definition;
    this.#enter('CREATE_IN_PROGRESS', 'User Initiated');
    const failure = await this.#apply(definition);
    if (failure === undefined) {
      this.#settle();
      this.#enter('CREATE_COMPLETE');
      return;
    }
    if (this.options.onFailure === 'DO_NOTHING') {
      this.#enter('CREATE_FAILED', failure);
      return;
    }
    if (this.options.onFailure === 'DELETE') {
      await this.#deleteEverything('DELETE', `${failure}Delete requested by user.`);
      return;
    }
    await this.#rollBackCreation(`${failure}Rollback requested by user.`);
  }

  /** Enters UPDATE_IN_PROGRESS at once, and answers when the update has ended. */
  async update(definition: StackDefinition): Promise<void> {
    const { stack } = this;
    stack.rollbackPoint ??= {
      definition: stack.definition,
      resources: new Map(stack.resources),
    } as Stack['rollbackPoint'];
    stack.definition = definition;
    stack.lastUpdated = new Date(this.engine.account.now());
    this.#enter('UPDATE_IN_PROGRESS', 'User Initiated');
    const failure = await this.#apply(definition);
    if (failure === undefined) {
      await this.#cleanUpAfterUpdate();
      return;
    }
    if (this.options.onFailure === 'DO_NOTHING') {
      this.#enter('UPDATE_FAILED', failure);
      return;
    }
    await this.rollBack(failure);
  }

  /** Goes back to the rollback point: of a failed update, or of a creation that failed and was left as it was. */
  async rollBack(reason?: string, skip: readonly string[] = []): Promise<void> {
    const { stack } = this;
    const point = stack.rollbackPoint;
    if (!point) throw new Error(`${stack.name} has nothing to roll back to`);
    if (!point.definition) {
      await this.#rollBackCreation(reason);
      return;
    }
    this.#enter('UPDATE_ROLLBACK_IN_PROGRESS', reason);
    const graph = provisionedGraph(point.resources, []);
    const failed = await runInOrder(graph, (id, signal) => this.#restore(point.resources.get(id), skip, signal), {
      stop: false,
      signal: this.engine.closing,
    });
    if (failed.length > 0) {
      this.#enter('UPDATE_ROLLBACK_FAILED', `The following resource(s) failed to update: [${failed.join(', ')}]. `);
      return;
    }
    stack.definition = point.definition;
    this.#enter('UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS');
    const live = new Map([...stack.resources].filter(([logicalId]) => point.resources.has(logicalId)));
    const superseded = stack.created.filter((resource) => !isLive(resource, live));
    for (const logicalId of stack.resources.keys()) if (!live.has(logicalId)) stack.resources.delete(logicalId);
    await this.#cleanUp(superseded, (resource) => this.#isKeptInRollback(resource));
    this.#forgetDeleted();
    this.#settle();
    this.#enter('UPDATE_ROLLBACK_COMPLETE');
  }

  /** Enters DELETE_IN_PROGRESS at once, and answers when the deletion has ended. */
  async delete(retain: readonly string[] = []): Promise<void> {
    await this.#deleteEverything('DELETE', 'User Initiated', retain);
  }

  /** Brings every resource to what the definition wants. Answers what the stack's event says of a failure. */
  async #apply(definition: StackDefinition): Promise<string | undefined> {
    const { stack } = this;
    const failedToCreate: string[] = [];
    const failedToUpdate: string[] = [];
    const scope = this.#scope(definition);
    const graph = scope.graph();
    await runInOrder(
      graph,
      async (logicalId, signal) => {
        const isNew = !stack.resources.has(logicalId);
        const dependsOn = [...(graph.get(logicalId) ?? [])];
        const done = await this.#reconcile(logicalId, dependsOn, scope, signal);
        if (!done) (isNew ? failedToCreate : failedToUpdate).push(logicalId);
        return done;
      },
      { stop: true, signal: this.engine.closing },
    );
    const failures = [
      ...(failedToCreate.length > 0
        ? [`The following resource(s) failed to create: [${failedToCreate.join(', ')}]. `]
        : []),
      ...(failedToUpdate.length > 0
        ? [`The following resource(s) failed to update: [${failedToUpdate.join(', ')}]. `]
        : []),
    ].join('');
    if (failures !== '') return failures;
    try {
      const outputs = this.#outputs(scope);
      const kept = new Set(outputs.map(({ exportName }) => exportName));
      this.engine.registry.assertNotInUse(exportNamesOf(stack).filter((name) => !kept.has(name)));
      stack.outputs = outputs;
      stack.imports = scope.imports;
      return undefined;
    } catch (thrown) {
      return `${(thrown as Error).message}. `;
    }
  }

  async #reconcile(
    logicalId: string,
    dependsOn: readonly string[],
    scope: StackScope,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { stack } = this;
    const declaration = scope.definition.template.resources[logicalId];
    if (!declaration) throw new Error(`${logicalId} is not in the template`);
    const { type, deletionPolicy, updateReplacePolicy } = declaration;
    const existing = stack.resources.get(logicalId);
    let desired: DesiredResource;
    try {
      const properties = desiredProperties(this.engine.providerOf, scope, logicalId);
      desired = { logicalId, type, properties, dependsOn, deletionPolicy, updateReplacePolicy };
    } catch (thrown) {
      return this.#provisioner.reject(logicalId, type, existing ? 'UPDATE' : 'CREATE', thrown);
    }
    if (!existing) return this.#provisioner.create(desired, 'CREATE', signal);
    if (!existing.incomplete && sameValue(existing.properties, desired.properties)) {
      const { physicalId, attributes, incomplete } = existing;
      stack.resources.set(logicalId, { ...desired, physicalId, attributes, incomplete });
      return true;
    }
    return this.#provisioner.update(existing, desired, signal);
  }

  /** Takes one resource back to what it was at the rollback point. */
  async #restore(
    before: ProvisionedResource | undefined,
    skip: readonly string[],
    signal: AbortSignal,
  ): Promise<boolean> {
    if (!before) return true;
    const now = this.stack.resources.get(before.logicalId) ?? before;
    if (skip.includes(before.logicalId)) {
      this.stack.resources.set(before.logicalId, { ...before, physicalId: now.physicalId });
      return true;
    }
    if (!now.incomplete && now.physicalId === before.physicalId && sameValue(now.properties, before.properties)) {
      this.stack.resources.set(before.logicalId, before);
      if (this.stack.statuses.get(before.logicalId)?.status === 'UPDATE_FAILED') this.#provisioner.restore(before);
      return true;
    }
    // Only the provider of a custom resource decides itself what is a replacement: it has to take part in undoing it.
    const isProvidersReplacement = this.engine.providerOf(before.type).valuesChangeInPlace === true;
    if (now.physicalId !== before.physicalId && !isProvidersReplacement) {
      this.#provisioner.restore(before);
      return true;
    }
    return this.#provisioner.updateInPlace(now, before, signal);
  }

  /** Deletes what an update left behind: failures are reported and do not matter, as on AWS. */
  async #cleanUpAfterUpdate(): Promise<void> {
    const { stack } = this;
    this.#enter('UPDATE_COMPLETE_CLEANUP_IN_PROGRESS');
    const active = stack.definition ? this.#scope(stack.definition).graph() : new Map<string, never>();
    const live = new Map([...stack.resources].filter(([logicalId]) => active.has(logicalId)));
    const before = stack.rollbackPoint?.resources ?? new Map<string, ProvisionedResource>();
    const superseded = [...before.values(), ...stack.created].filter((resource) => !isLive(resource, live));
    for (const logicalId of stack.resources.keys()) if (!live.has(logicalId)) stack.resources.delete(logicalId);
    const leftBehind = await this.#cleanUp(superseded, ({ logicalId, deletionPolicy, updateReplacePolicy }) =>
      live.has(logicalId) ? updateReplacePolicy === 'Retain' : deletionPolicy !== 'Delete',
    );
    this.#forgetDeleted();
    this.#settle();
    this.#enter(
      'UPDATE_COMPLETE',
      leftBehind.length === 0 ? undefined : 'Update successful. One or more resources could not be deleted.',
    );
  }

  async #rollBackCreation(reason: string | undefined): Promise<void> {
    await this.#deleteEverything('ROLLBACK', reason, [], (resource) => this.#isKeptInRollback(resource));
  }

  async #deleteEverything(
    verb: 'DELETE' | 'ROLLBACK',
    reason: string | undefined,
    retain: readonly string[] = [],
    isKept = ({ deletionPolicy }: ProvisionedResource) => deletionPolicy !== 'Delete',
  ): Promise<void> {
    const { stack } = this;
    this.#enter(`${verb}_IN_PROGRESS`, reason);
    try {
      this.engine.registry.assertNotInUse(exportNamesOf(stack));
    } catch (thrown) {
      this.#enter(`${verb}_FAILED`, (thrown as Error).message);
      return;
    }
    const leftBehind = stack.created.filter((resource) => !isLive(resource, stack.resources));
    const failed = await this.#deleteAll(
      [...stack.resources.values(), ...leftBehind],
      (resource) => isKept(resource) || retain.includes(resource.logicalId),
    );
    if (failed.length > 0) {
      const logicalIds = [...new Set(failed.map(({ logicalId }) => logicalId))];
      this.#enter(`${verb}_FAILED`, `The following resource(s) failed to delete: [${logicalIds.join(', ')}]. `);
      return;
    }
    this.#settle();
    stack.outputs = [];
    stack.imports = new Set();
    if (verb === 'DELETE') stack.deleted = new Date(this.engine.account.now());
    this.#enter(`${verb}_COMPLETE`);
  }

  /**
   * Deletes what an operation left over: round by round, until all is gone or the last round is over.
   *
   * @returns what stays behind
   */
  async #cleanUp(
    resources: readonly ProvisionedResource[],
    isKept: (resource: ProvisionedResource) => boolean,
  ): Promise<readonly ProvisionedResource[]> {
    let left = resources;
    for (let round = 1; round <= CLEAN_UP_ROUNDS && left.length > 0; round += 1) {
      left = await this.#deleteAll(left, isKept);
    }
    return left;
  }

  #deleteAll(
    resources: readonly ProvisionedResource[],
    isKept: (resource: ProvisionedResource) => boolean,
  ): Promise<readonly ProvisionedResource[]> {
    return deleteResources(this.stack, this.#provisioner, resources, isKept, this.engine.closing);
  }

  #isKeptInRollback({ deletionPolicy }: ProvisionedResource): boolean {
    return deletionPolicy === 'Retain' && this.options.retainExceptOnCreate !== true;
  }

  #outputs(scope: StackScope): readonly StackOutput[] {
    const taken = this.engine.registry.exports();
    return scope.outputs().map(([key, { Value, Description, Export }]) => {
      const value = scope.evaluate(Value);
      if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
        throw validationError(
          `Template format error: Output ${key} is malformed. The Value field of every Outputs member must evaluate to a String`,
        );
      }
      const exportName = Export === undefined ? undefined : String(scope.evaluate(Export.Name));
      const owner = taken.find(({ name, stack }) => name === exportName && stack !== this.stack);
      if (owner) {
        throw validationError(`Export with name ${owner.name} is already exported by stack ${owner.stack.name}`);
      }
      return {
        key,
        value: String(value),
        ...(Description === undefined ? {} : { description: Description }),
        ...(exportName === undefined ? {} : { exportName }),
      };
    });
  }

  #scope(definition: StackDefinition): StackScope {
    const { account, registry } = this.engine;
    return new StackScope(account, registry, this.stack, definition, (logicalId) => {
      const resource = this.stack.resources.get(logicalId);
      return resource && valuesOf(resource);
    });
  }

  /** What an update removed is no longer a resource of the stack, even where its deletion failed. */
  #forgetDeleted(): void {
    const { statuses, resources } = this.stack;
    for (const logicalId of statuses.keys()) if (!resources.has(logicalId)) statuses.delete(logicalId);
  }

  /** Whatever happened is final: there is no way back before it. */
  #settle(): void {
    delete this.stack.rollbackPoint;
    this.stack.created = [];
  }

  #enter(status: string, reason?: string): void {
    this.stack.enter(status, this.options.clientRequestToken, reason);
  }
}

/** A resource's properties with every function evaluated, the stack's tags among its own; unknown ones fail loudly. */
export function desiredProperties(
  providerOf: ProviderOf,
  scope: StackScope,
  logicalId: string,
): Readonly<Record<string, unknown>> {
  const declaration = scope.definition.template.resources[logicalId];
  if (!declaration) throw new Error(`${logicalId} is not in the template`);
  const provider = providerOf(declaration.type);
  const properties = scope.evaluate(declaration.properties) as Record<string, unknown>;
  const missing = provider.required?.find((name) => properties[name] === undefined);
  if (missing !== undefined) {
    throw validationError(
      `Properties validation failed for resource ${logicalId} with message: #: required key [${missing}] not found`,
    );
  }
  if (!provider.taggable) return properties;
  const tags = mergeTags(scope.definition.tags, (properties.Tags ?? []) as Tag[]);
  return tags.length === 0 ? properties : { ...properties, Tags: tags };
}

function exportNamesOf({ outputs }: Stack): readonly string[] {
  return outputs.flatMap(({ exportName }) => (exportName === undefined ? [] : [exportName]));
}

function isLive(resource: ProvisionedResource, live: ReadonlyMap<string, ProvisionedResource>): boolean {
  const current = live.get(resource.logicalId);
  return current !== undefined && isSame(current, resource);
}

import { randomUUID } from 'node:crypto';
import type { Account } from '../account';
import { AwsError, notImplemented, validationError } from '../protocol/aws-error';
import type { ChangeSet, Stack, StackDefinition, Tag } from './stack';
import { definitionChanged, plannedChanges } from './change-set';
import { type Engine, type OperationOptions, StackOperation } from './engine/stack-operations';
import { StackScope } from './engine/stack-scope';
import type { ProviderOf } from './provider';
import { StackRegistry } from './stack-registry';
import { assertCapabilities } from './template/capabilities';
import { assertAcyclic } from './template/graph';
import { type GivenParameter, parameterValues } from './template/parameters';
import { assertReferencesExist } from './template/references';
import { parseTemplate } from './template/template';

export interface CloudFormationPorts {
  /** Reads a template or asset that was published to S3. */
  readObject(bucket: string, key: string): Buffer;
}

/** What a request says of the stack that it wants. */
export interface DefinitionRequest {
  readonly TemplateBody?: string | undefined;
  readonly TemplateURL?: string | undefined;
  readonly UsePreviousTemplate?: boolean | undefined;
  readonly Parameters?: readonly GivenParameter[] | undefined;
  readonly Capabilities?: readonly string[] | undefined;
  readonly Tags?: readonly Tag[] | undefined;
  readonly RoleARN?: string | undefined;
  readonly NotificationARNs?: readonly string[] | undefined;
}

/** The largest template in a request, and in S3. */
const MAXIMUM_BODY_BYTES = 51_200;
const MAXIMUM_OBJECT_BYTES = 1_000_000;
const NO_CHANGES =
  "The submitted information didn't contain changes. Submit different information to create a change set.";
const NO_UPDATES = 'No updates are to be performed.';
const UPDATABLE = ['CREATE_COMPLETE', 'CREATE_FAILED', 'UPDATE_COMPLETE', 'UPDATE_FAILED', 'UPDATE_ROLLBACK_COMPLETE'];

/** CloudFormation: what its actions do, apart from how they look on the wire. */
export class CloudFormation {
  readonly registry: StackRegistry;
  readonly #closing = new AbortController();
  readonly #engine: Engine;
  readonly #running = new Map<Stack, Promise<void>>();

  constructor(
    private readonly account: Account,
    private readonly ports: CloudFormationPorts,
    providerOf: ProviderOf,
  ) {
    this.registry = new StackRegistry(account);
    this.#engine = { account, registry: this.registry, providerOf, closing: this.#closing.signal };
  }

  /** Starts nothing more, gives up what waits, and answers when everything has come to its end. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#running.values());
  }

  /** Answers when the operation on a stack has ended; at once where none runs. */
  async ended(stack: Stack): Promise<void> {
    await this.#running.get(stack);
  }

  async createStack(
    name: string,
    request: DefinitionRequest,
    { terminationProtection, ...options }: OperationOptions & { readonly terminationProtection: boolean },
  ): Promise<Stack> {
    const existing = this.registry.find(name);
    if (existing) throw new AwsError('AlreadyExistsException', `Stack [${name}] already exists`);
    assertName(name);
    const stack = this.registry.add(name);
    try {
      const definition = await this.#definition(stack, request);
      // What cannot be evaluated is refused here, as a change set would.
      plannedChanges(this.#engine, stack, definition);
      stack.terminationProtection = terminationProtection;
      stack.disableRollback = options.onFailure === 'DO_NOTHING';
      this.#start(stack, new StackOperation(this.#engine, stack, options).create(definition));
      return stack;
    } catch (thrown) {
      this.registry.forget(stack);
      throw thrown;
    }
  }

  async updateStack(name: string, request: DefinitionRequest, options: OperationOptions): Promise<Stack> {
    const stack = this.registry.get(name);
    assertUpdatable(stack);
    const definition = await this.#definition(stack, request);
    if (!this.#hasChanges(stack, definition)) throw validationError(NO_UPDATES);
    stack.disableRollback = options.onFailure === 'DO_NOTHING';
    this.#start(stack, new StackOperation(this.#engine, stack, options).update(definition));
    return stack;
  }

  deleteStack(name: string, retain: readonly string[], options: OperationOptions): void {
    const stack = this.registry.find(name);
    if (!stack?.exists) return;
    if (stack.terminationProtection) {
      throw validationError(`Stack [${stack.name}] cannot be deleted while TerminationProtection is enabled`);
    }
    if (stack.status === 'DELETE_IN_PROGRESS') return;
    if (stack.busy) throw validationError(`Stack [${stack.id}] cannot be deleted while in status ${stack.status}`);
    if (retain.length > 0 && stack.status !== 'DELETE_FAILED') {
      throw validationError(
        `Invalid operation on stack [${stack.id}]. When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.`,
      );
    }
    this.#start(stack, new StackOperation(this.#engine, stack, options).delete(retain));
  }

  async createChangeSet(
    stackName: string,
    name: string,
    type: ChangeSet['type'],
    request: DefinitionRequest,
    more: Pick<ChangeSet, 'description' | 'onStackFailure' | 'includeNestedStacks'>,
  ): Promise<{ readonly stack: Stack; readonly changeSet: ChangeSet }> {
    const { stack, isNew } = this.#stackFor(stackName, name, type);
    try {
      if (stack.changeSets.has(name)) {
        throw new AwsError(
          'AlreadyExistsException',
          `ChangeSet ${name} cannot be created due to a mismatch with existing attribute Name`,
        );
      }
      const definition = await this.#definition(stack, request);
      const changeSet = this.#planned(stack, name, type, definition, more);
      stack.changeSets.set(name, changeSet);
      if (isNew) stack.enter('REVIEW_IN_PROGRESS', undefined, 'User Initiated');
      return { stack, changeSet };
    } catch (thrown) {
      if (isNew) this.registry.forget(stack);
      throw thrown;
    }
  }

  executeChangeSet(stack: Stack, changeSet: ChangeSet, options: OperationOptions): void {
    if (changeSet.executionStatus !== 'AVAILABLE') {
      throw new AwsError(
        'InvalidChangeSetStatus',
        `ChangeSet [${changeSet.id}] cannot be executed in its current status of [${changeSet.status}]`,
      );
    }
    if (stack.status !== 'REVIEW_IN_PROGRESS') assertUpdatable(stack);
    changeSet.executionStatus = 'EXECUTE_IN_PROGRESS';
    stack.changeSetId = changeSet.id;
    // The others were planned for a stack that will not be the same any more.
    for (const name of stack.changeSets.keys()) if (name !== changeSet.name) stack.changeSets.delete(name);
    const onFailure = options.onFailure ?? changeSet.onStackFailure;
    stack.disableRollback = onFailure === 'DO_NOTHING';
    const operation = new StackOperation(this.#engine, stack, { ...options, ...(onFailure ? { onFailure } : {}) });
    const run =
      changeSet.type === 'CREATE' ? operation.create(changeSet.definition) : operation.update(changeSet.definition);
    this.#start(
      stack,
      run.then(() => {
        changeSet.executionStatus =
          /_COMPLETE$/.test(stack.status) && !stack.status.includes('ROLLBACK') ? 'EXECUTE_COMPLETE' : 'EXECUTE_FAILED';
      }),
    );
  }

  /** A change set by its name or ARN; by its name only together with its stack. */
  changeSet(nameOrId: string, stackName: string | undefined): { readonly stack: Stack; readonly changeSet: ChangeSet } {
    const stacks = stackName === undefined ? this.registry.all() : [this.registry.get(stackName)];
    for (const stack of stacks) {
      const changeSet = [...stack.changeSets.values()].find(
        ({ id, name }) => id === nameOrId || (stackName !== undefined && name === nameOrId),
      );
      if (changeSet) return { stack, changeSet };
    }
    throw new AwsError('ChangeSetNotFound', `ChangeSet [${nameOrId}] does not exist`, 404);
  }

  /** Rolls back a stack that failed and was left as it was. */
  rollbackStack(name: string, options: OperationOptions): Stack {
    const stack = this.registry.get(name);
    if (stack.status !== 'CREATE_FAILED' && stack.status !== 'UPDATE_FAILED') {
      throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be rolled back.`);
    }
    this.#start(stack, new StackOperation(this.#engine, stack, options).rollBack('Rollback requested by user.'));
    return stack;
  }

  continueUpdateRollback(name: string, skip: readonly string[], options: OperationOptions): void {
    const stack = this.registry.get(name);
    if (stack.status !== 'UPDATE_ROLLBACK_FAILED') {
      throw validationError(`Stack [${stack.id}] is in ${stack.status} state and can not continue its rollback.`);
    }
    this.#start(stack, new StackOperation(this.#engine, stack, options).rollBack('User Initiated', skip));
  }

  /** The template that a request carries or points to. */
  templateBody({ TemplateBody, TemplateURL }: Pick<DefinitionRequest, 'TemplateBody' | 'TemplateURL'>): string {
    if (TemplateBody !== undefined && TemplateURL !== undefined) {
      throw validationError('You cannot specify both TemplateBody and TemplateURL');
    }
    if (TemplateBody !== undefined) {
      if (TemplateBody.length <= MAXIMUM_BODY_BYTES) return TemplateBody;
      throw validationError(
        `1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to ${MAXIMUM_BODY_BYTES}`,
      );
    }
    if (TemplateURL === undefined) throw validationError('Either Template URL or Template Body must be specified.');
    const { hostname, pathname } = new URL(TemplateURL);
    const path = decodeURIComponent(pathname).slice(1);
    const [, hostBucket] = /^(.+)\.s3[.-].*amazonaws\.com(?:\.cn)?$/.exec(hostname) ?? [];
    const bucket = hostBucket ?? path.slice(0, path.indexOf('/'));
    const key = hostBucket === undefined ? path.slice(path.indexOf('/') + 1) : path;
    const object = this.ports.readObject(bucket, key);
    if (object.length <= MAXIMUM_OBJECT_BYTES) return object.toString('utf8');
    throw validationError(`Template may not exceed ${MAXIMUM_OBJECT_BYTES} bytes in size.`);
  }

  async #definition(stack: Stack, request: DefinitionRequest): Promise<StackDefinition> {
    const before = stack.definition;
    const templateBody = request.UsePreviousTemplate ? before?.templateBody : this.templateBody(request);
    if (templateBody === undefined) throw validationError(`Stack [${stack.name}] has no previous template`);
    const template = parseTemplate(templateBody);
    assertReferencesExist(template);
    assertCapabilities(template, request.Capabilities ?? []);
    const definition: StackDefinition = {
      templateBody,
      template,
      parameters: await parameterValues(this.account, template, request.Parameters ?? [], before?.parameters ?? []),
      tags: request.Tags ?? before?.tags ?? [],
      capabilities: request.Capabilities ?? [],
      notificationArns: request.NotificationARNs ?? before?.notificationArns ?? [],
      ...(request.RoleARN === undefined ? {} : { roleArn: request.RoleARN }),
    };
    this.#assertMakeable(stack, definition);
    return definition;
  }

  /** Refuses what can be known to be wrong before anything is touched. */
  #assertMakeable(stack: Stack, definition: StackDefinition): void {
    const scope = new StackScope(this.account, this.registry, stack, definition, () => undefined);
    scope.assertRules();
    const graph = scope.graph();
    assertAcyclic(graph);
    for (const logicalId of graph.keys()) {
      const { type, properties } = definition.template.resources[logicalId] ?? {};
      if (type === undefined || properties === undefined) continue;
      const { properties: known, freeForm } = this.#engine.providerOf(type);
      const unknown = freeForm ? undefined : Object.keys(properties).find((name) => !(name in known));
      if (unknown !== undefined) throw notImplemented(`the property ${unknown} of ${type} (resource ${logicalId})`);
    }
    const retyped = [...graph.keys()].filter((logicalId) => {
      const existing = stack.resources.get(logicalId);
      return existing !== undefined && existing.type !== definition.template.resources[logicalId]?.type;
    });
    if (retyped.length > 0) {
      throw validationError(
        `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${retyped.join(', ')}]`,
      );
    }
  }

  #planned(
    stack: Stack,
    name: string,
    type: ChangeSet['type'],
    definition: StackDefinition,
    more: Pick<ChangeSet, 'description' | 'onStackFailure' | 'includeNestedStacks'>,
  ): ChangeSet {
    const isEmpty = type === 'UPDATE' && !this.#hasChanges(stack, definition);
    return {
      id: this.account.arn('cloudformation', `changeSet/${name}/${randomUUID()}`),
      name,
      type,
      definition,
      creationTime: new Date(this.account.now()),
      changes: plannedChanges(this.#engine, stack, definition),
      ...(isEmpty ? { status: 'FAILED', statusReason: NO_CHANGES } : { status: 'CREATE_COMPLETE' }),
      executionStatus: isEmpty ? 'UNAVAILABLE' : 'AVAILABLE',
      ...more,
    };
  }

  #hasChanges(stack: Stack, definition: StackDefinition): boolean {
    return (
      definitionChanged(stack.definition, definition) || plannedChanges(this.#engine, stack, definition).length > 0
    );
  }

  #stackFor(
    stackName: string,
    changeSetName: string,
    type: ChangeSet['type'],
  ): { readonly stack: Stack; readonly isNew: boolean } {
    const existing = this.registry.find(stackName);
    if (type === 'UPDATE') {
      if (!existing?.exists) throw validationError(`Stack [${stackName}] does not exist`);
      assertUpdatable(existing);
      return { stack: existing, isNew: false };
    }
    if (!existing?.exists) {
      assertName(stackName);
      return { stack: this.registry.add(stackName), isNew: true };
    }
    if (existing.status === 'REVIEW_IN_PROGRESS') return { stack: existing, isNew: false };
    throw validationError(
      `Stack [${stackName}] already exists and cannot be created again with the changeSet [${changeSetName}].`,
    );
  }

  #start(stack: Stack, operation: Promise<void>): void {
    const run = operation
      .catch((thrown: unknown) => {
        process.stderr.write(
          `local-aws: CloudFormation failed on ${stack.name}: ${(thrown as Error).stack ?? String(thrown)}\n`,
        );
        stack.enter(stack.status.replace('_IN_PROGRESS', '_FAILED'), undefined, `local-aws failed: ${String(thrown)}`);
      })
      .finally(() => this.#running.delete(stack));
    this.#running.set(stack, run);
  }
}

function assertName(name: string): void {
  if (/^[a-zA-Z][-a-zA-Z0-9]*$/.test(name) && name.length <= 128) return;
  throw validationError(
    `1 validation error detected: Value '${name}' at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*`,
  );
}

function assertUpdatable(stack: Stack): void {
  if (UPDATABLE.includes(stack.status)) return;
  throw validationError(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
}

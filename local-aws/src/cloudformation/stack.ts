import { randomUUID } from 'node:crypto';
import type { ParameterValue } from './template/parameters';
import type { DeletionPolicy, Template } from './template/template';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** What a stack is made from. */
export interface StackDefinition {
  readonly templateBody: string;
  readonly template: Template;
  readonly parameters: readonly ParameterValue[];
  readonly tags: readonly Tag[];
  readonly capabilities: readonly string[];
  readonly notificationArns: readonly string[];
  readonly roleArn?: string;
}

/** A resource that exists: never changed, only replaced by a newer one. */
export interface ProvisionedResource {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId: string;
  /** As last applied, with every function evaluated. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The resources that it depended on in the template that it was last applied from. */
  readonly dependsOn: readonly string[];
  readonly deletionPolicy: DeletionPolicy;
  readonly updateReplacePolicy: DeletionPolicy;
  /** Its last change failed on the way: what it is like is not known. */
  readonly incomplete: boolean;
}

/** What is shown of a resource. */
export interface ResourceStatus {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId?: string;
  readonly status: string;
  readonly reason?: string;
  readonly time: Date;
}

export interface StackEvent extends ResourceStatus {
  readonly eventId: string;
  readonly clientRequestToken?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

export interface StackOutput {
  readonly key: string;
  readonly value: string;
  readonly description?: string;
  readonly exportName?: string;
}

/** The state that a rollback goes back to. */
export interface RollbackPoint {
  /** Absent: the stack was being created. */
  readonly definition?: StackDefinition;
  readonly resources: ReadonlyMap<string, ProvisionedResource>;
}

/** A change set: what executing it would do to its stack. */
export interface ChangeSet {
  readonly id: string;
  readonly name: string;
  readonly type: 'CREATE' | 'UPDATE';
  readonly description?: string;
  readonly definition: StackDefinition;
  readonly creationTime: Date;
  readonly changes: readonly ResourceChange[];
  readonly status: 'CREATE_COMPLETE' | 'FAILED';
  readonly statusReason?: string;
  readonly onStackFailure?: 'ROLLBACK' | 'DO_NOTHING' | 'DELETE';
  readonly includeNestedStacks?: boolean;
  executionStatus: 'AVAILABLE' | 'UNAVAILABLE' | 'EXECUTE_IN_PROGRESS' | 'EXECUTE_COMPLETE' | 'EXECUTE_FAILED';
}

/** As DescribeChangeSet answers it. */
export interface ResourceChange {
  readonly Action: 'Add' | 'Modify' | 'Remove';
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly Replacement?: 'True' | 'False' | 'Conditional';
  readonly Scope?: readonly string[];
  readonly Details?: readonly ResourceChangeDetail[];
  readonly PolicyAction?: string;
  readonly BeforeContext?: string;
  readonly AfterContext?: string;
}

export interface ResourceChangeDetail {
  readonly Target: {
    readonly Attribute: string;
    readonly Name?: string;
    readonly RequiresRecreation: 'Never' | 'Always' | 'Conditionally';
    readonly Path?: string;
    readonly BeforeValue?: string;
    readonly AfterValue?: string;
    readonly AttributeChangeType?: 'Add' | 'Remove' | 'Modify';
  };
  readonly Evaluation: 'Static' | 'Dynamic';
  readonly ChangeSource?: string;
}

/** A stack: what it was made from, what it is made of, and what happened to it. */
export class Stack {
  status = 'REVIEW_IN_PROGRESS';
  statusReason?: string;
  lastUpdated?: Date;
  deleted?: Date;
  definition?: StackDefinition;
  outputs: readonly StackOutput[] = [];
  /** Names of the exports of other stacks that it uses. */
  imports: ReadonlySet<string> = new Set();
  terminationProtection = false;
  disableRollback = false;
  changeSetId?: string;
  rollbackPoint?: RollbackPoint;
  /** Everything that was created since the rollback point, whatever became of it. */
  created: readonly ProvisionedResource[] = [];
  readonly resources = new Map<string, ProvisionedResource>();
  readonly statuses = new Map<string, ResourceStatus>();
  /** Oldest first. */
  readonly events: StackEvent[] = [];
  readonly changeSets = new Map<string, ChangeSet>();
  readonly creationTime: Date;
  #lastEventTime = 0;

  constructor(
    readonly id: string,
    readonly name: string,
    private readonly now: () => number,
  ) {
    this.creationTime = new Date(now());
  }

  get exists(): boolean {
    return this.status !== 'DELETE_COMPLETE';
  }

  get busy(): boolean {
    return this.status.endsWith('_IN_PROGRESS') && this.status !== 'REVIEW_IN_PROGRESS';
  }

  /** Moves the stack to a status, and records the event. */
  enter(status: string, clientRequestToken: string | undefined, reason?: string): void {
    const time = this.#nextEventTime();
    this.status = status;
    this.statusReason = reason;
    this.#record(
      { logicalId: this.name, type: 'AWS::CloudFormation::Stack', physicalId: this.id, status, time },
      reason,
      {
        ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
      },
    );
  }

  /** Records what happens to one of the stack's resources. */
  report(
    resource: Omit<ResourceStatus, 'time' | 'reason'>,
    clientRequestToken: string | undefined,
    reason?: string,
    properties?: Readonly<Record<string, unknown>>,
  ): void {
    const status = { ...resource, time: this.#nextEventTime(), ...(reason === undefined ? {} : { reason }) };
    const live = this.resources.get(resource.logicalId);
    const isSuperseded = live !== undefined && live.physicalId !== resource.physicalId;
    if (!isSuperseded || !resource.status.startsWith('DELETE_')) this.statuses.set(resource.logicalId, status);
    this.#record(status, reason, {
      ...(clientRequestToken === undefined ? {} : { clientRequestToken }),
      ...(properties === undefined ? {} : { properties }),
    });
  }

  #record(
    status: ResourceStatus,
    reason: string | undefined,
    more: Pick<StackEvent, 'clientRequestToken' | 'properties'>,
  ): void {
    this.events.push({ eventId: randomUUID(), ...status, ...(reason === undefined ? {} : { reason }), ...more });
  }

  /** Clients sort events by their time: no two of a stack share one. */
  #nextEventTime(): Date {
    this.#lastEventTime = Math.max(this.now(), this.#lastEventTime + 1);
    return new Date(this.#lastEventTime);
  }
}

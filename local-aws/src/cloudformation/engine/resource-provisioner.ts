import type { Account } from '../../account';
import { AwsError, validationError } from '../../protocol/aws-error';
import { Cancelled, physicalName, type ProviderOf } from '../provider';
import type { ProvisionedResource, ResourceStatus, Stack } from '../stack';
import { sameValue } from '../../protocol/json';
import { resolveDynamicReferences } from './dynamic-references';

/** A resource as the template wants it. */
export type DesiredResource = Omit<ProvisionedResource, 'physicalId' | 'attributes' | 'incomplete'>;

/** Makes, changes and deletes the resources of one stack, and reports every step as a stack event. */
export class ResourceProvisioner {
  constructor(
    private readonly account: Account,
    private readonly stack: Stack,
    private readonly providerOf: ProviderOf,
    private readonly clientRequestToken: string | undefined,
  ) {}

  /** Creates a resource, as part of creating or updating its stack. Answers whether that went well. */
  async create(desired: DesiredResource, verb: 'CREATE' | 'UPDATE', signal: AbortSignal): Promise<boolean> {
    const { logicalId, type, properties } = desired;
    const requested =
      verb === 'UPDATE'
        ? 'Requested update requires the creation of a new physical resource; hence creating one.'
        : undefined;
    this.#report({ logicalId, type, status: `${verb}_IN_PROGRESS` }, requested, properties);
    let begun: ProvisionedResource | undefined;
    const leave = (physicalId: string) => {
      begun = { ...desired, physicalId, attributes: {}, incomplete: true };
      this.stack.created = [...this.stack.created, begun];
    };
    const begin = (physicalId: string) => {
      leave(physicalId);
      this.#report(
        { logicalId, type, physicalId, status: `${verb}_IN_PROGRESS` },
        'Resource creation Initiated',
        properties,
      );
    };
    try {
      const change = { ...(await this.#change(desired, signal)), created: begin, leftBehind: leave };
      const { physicalId, attributes = {} } = await this.providerOf(type).create(change);
      if (begun?.physicalId !== physicalId) begin(physicalId);
      const done = { ...desired, physicalId, attributes, incomplete: false };
      this.stack.created = [...this.stack.created.filter((candidate) => candidate !== begun), done];
      this.stack.resources.set(logicalId, done);
      this.#report({ logicalId, type, physicalId, status: `${verb}_COMPLETE` }, undefined, properties);
      return true;
    } catch (thrown) {
      const physicalId = begun?.physicalId;
      const reason = thrown instanceof Cancelled ? 'Resource creation cancelled' : reasonOf(thrown);
      this.#report({ logicalId, type, physicalId, status: `${verb}_FAILED` }, reason, properties);
      return false;
    }
  }

  /** Reports a resource that could not even be evaluated as failed. */
  reject(logicalId: string, type: string, verb: 'CREATE' | 'UPDATE', thrown: unknown): false {
    const physicalId = this.stack.resources.get(logicalId)?.physicalId;
    this.#report({ logicalId, type, physicalId, status: `${verb}_FAILED` }, reasonOf(thrown));
    return false;
  }

  /** Brings an existing resource to what is wanted: in place, or by a new one. Answers whether that went well. */
  async update(existing: ProvisionedResource, desired: DesiredResource, signal: AbortSignal): Promise<boolean> {
    const replacing = this.#replacingProperties(existing, desired);
    const { nameProperty, properties } = this.providerOf(desired.type);
    const refused = Object.keys(properties).find(
      (name) => properties[name] === 'refused' && !sameValue(existing.properties[name], desired.properties[name]),
    );
    if (refused !== undefined) {
      return this.reject(
        desired.logicalId,
        desired.type,
        'UPDATE',
        validationError(
          refused === 'ServiceToken'
            ? 'Modifying service token is not allowed.'
            : `Updating ${refused} is not allowed.`,
        ),
      );
    }
    if (replacing.length === 0) return this.updateInPlace(existing, desired, signal);
    const name = nameProperty === undefined ? undefined : desired.properties[nameProperty];
    if (name !== undefined && sameValue(name, existing.properties[nameProperty ?? ''])) {
      const message = `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${JSON.stringify(name)} and update the stack again.`;
      return this.reject(desired.logicalId, desired.type, 'UPDATE', validationError(message));
    }
    return this.create(desired, 'UPDATE', signal);
  }

  /** Changes a resource in place; the provider may still answer another physical id: a custom resource's replacement. */
  async updateInPlace(existing: ProvisionedResource, desired: DesiredResource, signal: AbortSignal): Promise<boolean> {
    const { logicalId, type, properties } = desired;
    this.#report(
      { logicalId, type, physicalId: existing.physicalId, status: 'UPDATE_IN_PROGRESS' },
      undefined,
      properties,
    );
    try {
      const { physicalId, attributes } = await this.providerOf(type).update({
        ...(await this.#change(desired, signal)),
        physicalId: existing.physicalId,
        oldProperties: existing.properties,
        attributes: existing.attributes,
      });
      const done = { ...desired, physicalId, attributes: attributes ?? existing.attributes, incomplete: false };
      this.stack.resources.set(logicalId, done);
      if (physicalId !== existing.physicalId) {
        this.stack.created = [...this.stack.created, done];
        const reason = 'Requested update required the provider to create a new physical resource';
        this.#report({ logicalId, type, physicalId, status: 'UPDATE_IN_PROGRESS' }, reason, properties);
      }
      this.#report({ logicalId, type, physicalId, status: 'UPDATE_COMPLETE' }, undefined, properties);
      return true;
    } catch (thrown) {
      const { physicalId, attributes } = existing;
      this.stack.resources.set(logicalId, { ...desired, physicalId, attributes, incomplete: true });
      const reason = thrown instanceof Cancelled ? 'Resource update cancelled' : reasonOf(thrown);
      this.#report({ logicalId, type, physicalId, status: 'UPDATE_FAILED' }, reason, properties);
      return false;
    }
  }

  /** Deletes a resource; one that is gone already is deleted. Answers whether that went well. */
  async delete(resource: ProvisionedResource, keep: boolean): Promise<boolean> {
    const { logicalId, type, physicalId } = resource;
    if (keep) {
      this.#report({ logicalId, type, physicalId, status: 'DELETE_SKIPPED' });
      return true;
    }
    this.#report({ logicalId, type, physicalId, status: 'DELETE_IN_PROGRESS' });
    try {
      const change = await this.#change(resource, new AbortController().signal);
      await this.providerOf(type).delete({ ...change, physicalId });
      this.#report({ logicalId, type, physicalId, status: 'DELETE_COMPLETE' });
      return true;
    } catch (thrown) {
      this.#report({ logicalId, type, physicalId, status: 'DELETE_FAILED' }, reasonOf(thrown));
      return false;
    }
  }

  /** Takes a replaced resource back: nothing has to be done to it. */
  restore(resource: ProvisionedResource): void {
    const { logicalId, type, physicalId } = resource;
    this.#report({ logicalId, type, physicalId, status: 'UPDATE_IN_PROGRESS' });
    this.stack.resources.set(logicalId, resource);
    this.#report({ logicalId, type, physicalId, status: 'UPDATE_COMPLETE' });
  }

  #replacingProperties(existing: ProvisionedResource, desired: DesiredResource): readonly string[] {
    return Object.entries(this.providerOf(desired.type).properties)
      .filter(([, behavior]) => behavior === 'replacement')
      .map(([name]) => name)
      .filter((name) => !sameValue(existing.properties[name], desired.properties[name]));
  }

  async #change({ logicalId, type, properties }: DesiredResource, signal: AbortSignal) {
    return {
      account: this.account,
      stack: this.stack,
      logicalId,
      type,
      properties: (await resolveDynamicReferences(
        properties,
        this.account,
        this.providerOf(type).getsSecretReferences ? ['ssm'] : ['secretsmanager', 'ssm'],
      )) as Record<string, unknown>,
      signal,
      physicalName: (maximumLength: number) => physicalName(this.stack.name, logicalId, maximumLength),
    };
  }

  #report(
    {
      physicalId,
      ...resource
    }: Omit<ResourceStatus, 'time' | 'reason' | 'physicalId'> & { readonly physicalId?: string | undefined },
    reason?: string,
    properties?: Readonly<Record<string, unknown>>,
  ): void {
    this.stack.report(
      { ...resource, ...(physicalId === undefined ? {} : { physicalId }) },
      this.clientRequestToken,
      reason,
      properties,
    );
  }
}

/** What a stack event says of a failure. */
function reasonOf(thrown: unknown): string {
  if (thrown instanceof AwsError && thrown.code !== 'ValidationError') {
    return `Resource handler returned message: "${thrown.message} (Status Code: ${thrown.status})" (HandlerErrorCode: ${handlerErrorCode(thrown.code)})`;
  }
  return thrown instanceof Error ? thrown.message : String(thrown);
}

function handlerErrorCode(code: string): string {
  if (/AlreadyExists|ResourceConflict|ResourceExists/.test(code)) return 'AlreadyExists';
  if (/NoSuchEntity|NotFound/.test(code)) return 'NotFound';
  if (code.includes('AccessDenied')) return 'AccessDenied';
  if (/Validation|Invalid|Malformed/.test(code)) return 'InvalidRequest';
  return 'GeneralServiceException';
}

import { randomBytes, randomUUID } from 'node:crypto';
import type { LambdaService } from '../lambda/lambda-service';
import type { HttpAnswer, HttpRequest } from '../server';
import { validationError } from '../protocol/aws-error';
import { Cancelled, type Change, type ExistingChange, randomSuffix, type ResourceProvider } from './provider';
import { isRecord } from '../protocol/json';

/** What CloudFormation sends to the function behind a custom resource. */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly ServiceToken: string;
  /** Where the template gives one. */
  readonly ServiceTimeout?: string;
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
  readonly PhysicalResourceId?: string;
  readonly ResourceType: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>;
}

/** An event that was sent, or the answer that was taken for it. */
export type CustomResourceObservation =
  | { readonly kind: 'event'; readonly time: number; readonly event: CustomResourceEvent }
  | {
      readonly kind: 'answer';
      readonly time: number;
      readonly requestId: string;
      /** The body of the PUT. */
      readonly body: string;
    };

export interface CustomResourcePorts {
  readonly lambda: Pick<LambdaService, 'hasFunction' | 'invokeAsync'>;
  /** Url of the running server. */
  readonly endpoint: () => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the answer to an event came to. */
interface Answer {
  readonly physicalId?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface Pending {
  readonly event: CustomResourceEvent;
  readonly settle: (answer: Answer | Failure) => void;
}

class Failure extends Error {
  constructor(
    message: string,
    readonly physicalId?: string,
  ) {
    super(message);
  }
}

const RESPONSE_PATH = '/cloudformation-custom-resource-response/';
const MAXIMUM_RESPONSE_BYTES = 4096;
const DEFAULT_SERVICE_TIMEOUT_SECONDS = 3600;

/**
 * The custom resource protocol: events to a function, answers by a PUT to a presigned URL.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/crpg-ref.html
 */
export class CustomResources {
  readonly #pending = new Map<string, Pending>();
  readonly #answered = new Set<string>();
  readonly #observers: ((observation: CustomResourceObservation) => void)[] = [];
  #duplicates = 0;

  constructor(private readonly ports: CustomResourcePorts) {}

  /** Tells of every event and every answer from now on. */
  observe(observer: (observation: CustomResourceObservation) => void): void {
    this.#observers.push(observer);
  }

  /** Delivers each of the next events twice, as asynchronous invocation does now and then. */
  duplicateNextEvents(count: number): void {
    this.#duplicates = count;
  }

  /** `AWS::CloudFormation::CustomResource` and `Custom::…` */
  readonly provider: ResourceProvider = {
    properties: { ServiceToken: 'refused' },
    freeForm: true,
    required: ['ServiceToken'],
    // https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/341
    getsSecretReferences: true,
    valuesChangeInPlace: true,
    create: async (change) => {
      const invented = `${change.stack.name}-${change.logicalId}-${randomSuffix(12)}`;
      this.#assertFunction(change);
      try {
        const answer = await this.#request('Create', change);
        if (!answer.physicalId) throw new Failure('Invalid PhysicalResourceId');
        change.created(answer.physicalId);
        return { physicalId: answer.physicalId, attributes: answer.data };
      } catch (thrown) {
        // Whatever the function left behind is for it to clean up: the rollback sends a Delete, if need be with an invented id.
        if (thrown instanceof Failure || thrown instanceof Cancelled) {
          change.leftBehind((thrown instanceof Failure ? thrown.physicalId : undefined) ?? invented);
        }
        throw thrown;
      }
    },
    update: async (change) => {
      this.#assertFunction(change);
      const answer = await this.#request('Update', change, {
        PhysicalResourceId: change.physicalId,
        OldResourceProperties: textsIn(change.oldProperties) as Record<string, unknown>,
      });
      if (!answer.physicalId) throw new Failure('Invalid PhysicalResourceId');
      return { physicalId: answer.physicalId, attributes: answer.data };
    },
    delete: async (change) => {
      this.#assertFunction(change);
      await this.#request('Delete', change, { PhysicalResourceId: change.physicalId });
    },
  };

  /** Takes the answers. */
  readonly route = (request: HttpRequest): Promise<HttpAnswer> | undefined => {
    const { pathname } = request.url;
    if (!pathname.startsWith(RESPONSE_PATH)) return undefined;
    return Promise.resolve(this.#take(pathname.slice(RESPONSE_PATH.length), request));
  };

  /** Gives up waiting for answers. */
  close(): void {
    for (const { event, settle } of this.#pending.values()) settle(new Failure(noResponse(event.RequestId)));
  }

  async #request(
    RequestType: CustomResourceEvent['RequestType'],
    { stack, logicalId, type, properties, signal }: ExistingChange | Change,
    more: Pick<CustomResourceEvent, 'PhysicalResourceId' | 'OldResourceProperties'> = {},
  ): Promise<Answer> {
    const token = randomBytes(24).toString('hex');
    const seconds = serviceTimeoutSeconds(properties);
    const event: CustomResourceEvent = {
      RequestType,
      ServiceToken: String(properties.ServiceToken),
      ...(properties.ServiceTimeout === undefined ? {} : { ServiceTimeout: String(seconds) }),
      ResponseURL: this.#responseUrl(token),
      StackId: stack.id,
      RequestId: randomUUID(),
      LogicalResourceId: logicalId,
      ResourceType: type,
      ResourceProperties: textsIn(properties) as Record<string, unknown>,
      ...more,
    };
    const outcome = await new Promise<Answer | Failure | Cancelled>((resolve) => {
      const timer = setTimeout(() => settle(new Failure(noResponse(event.RequestId))), seconds * 1000);
      timer.unref();
      const cancel = () => settle(new Cancelled());
      const settle = (settled: Answer | Failure | Cancelled) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', cancel);
        this.#pending.delete(token);
        this.#answered.add(token);
        resolve(settled);
      };
      signal.addEventListener('abort', cancel);
      this.#pending.set(token, { event, settle });
      this.#send(event);
    });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  #send(event: CustomResourceEvent): void {
    this.#tell({ kind: 'event', time: this.ports.now(), event });
    this.ports.lambda.invokeAsync(event.ServiceToken, event);
    if (this.#duplicates === 0) return;
    this.#duplicates -= 1;
    this.ports.lambda.invokeAsync(event.ServiceToken, event);
  }

  #take(token: string, { method, headers, body }: HttpRequest): HttpAnswer {
    const pending = this.#pending.get(token);
    const isKnown = pending !== undefined || this.#answered.has(token);
    if (!isKnown || method !== 'PUT') return refusal('AccessDenied', 'Access Denied');
    // The URL is signed for an empty content type; with another one the signature does not fit.
    if (headers['content-type'] !== undefined && headers['content-type'] !== '') {
      return refusal(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
      );
    }
    // CloudFormation reads the first answer; S3 takes whatever else comes.
    if (pending) {
      const text = body.toString('utf8');
      this.#tell({ kind: 'answer', time: this.ports.now(), requestId: pending.event.RequestId, body: text });
      pending.settle(readAnswer(pending.event, body));
    }
    return { status: 200 };
  }

  #responseUrl(token: string): string {
    const signedAt = new Date(this.ports.now()).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const query = `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=${signedAt}&X-Amz-Expires=7200&X-Amz-SignedHeaders=host`;
    return `${this.ports.endpoint()}${RESPONSE_PATH}${token}?${query}&X-Amz-Signature=${randomBytes(32).toString('hex')}`;
  }

  #assertFunction({ properties }: Pick<Change, 'properties'>): void {
    const serviceToken = String(properties.ServiceToken);
    if (!/^arn:[^:]+:lambda:/.test(serviceToken) || !this.ports.lambda.hasFunction(serviceToken)) {
      throw validationError(`Function not found: ${serviceToken}`);
    }
  }

  #tell(observation: CustomResourceObservation): void {
    for (const observer of this.#observers) observer(observation);
  }
}

function readAnswer(event: CustomResourceEvent, body: Buffer): Answer | Failure {
  if (body.length > MAXIMUM_RESPONSE_BYTES) return new Failure('Response object is too long.');
  let response: unknown;
  try {
    response = JSON.parse(body.toString('utf8'));
  } catch {
    return new Failure('Invalid Response object: the body is not JSON');
  }
  if (!isRecord(response)) return new Failure('Invalid Response object: the body is not a JSON object');
  const { Status, Reason, PhysicalResourceId, Data = {} } = response;
  for (const name of ['StackId', 'RequestId', 'LogicalResourceId'] as const) {
    if (response[name] !== event[name]) {
      return new Failure(`Invalid Response object: Value of property ${name} must be ${event[name]}`);
    }
  }
  const physicalId =
    typeof PhysicalResourceId === 'string' && PhysicalResourceId !== '' ? PhysicalResourceId : undefined;
  if (Status === 'FAILED') {
    if (typeof Reason !== 'string' || Reason === '') {
      return new Failure('Invalid Response object: Reason is required when Status is FAILED', physicalId);
    }
    return new Failure(
      `Received response status [FAILED] from custom resource. Message returned: ${Reason} (RequestId: ${event.RequestId})`,
      physicalId,
    );
  }
  if (Status !== 'SUCCESS')
    return new Failure('Invalid Response object: Value of property Status must be SUCCESS or FAILED');
  if (!isRecord(Data)) return new Failure('Invalid Response object: Value of property Data must be an object');
  return { data: Data, ...(physicalId === undefined ? {} : { physicalId }) };
}

/** CloudFormation hands every scalar to the function as text. */
function textsIn(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(textsIn);
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, textsIn(member)]));
  return String(value);
}

function serviceTimeoutSeconds({
  ServiceTimeout = DEFAULT_SERVICE_TIMEOUT_SECONDS,
}: Readonly<Record<string, unknown>>): number {
  const seconds = Number(ServiceTimeout);
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= 3600) return seconds;
  throw validationError(`ServiceTimeout must be an integer from 1 to 3600, and is ${String(ServiceTimeout)}`);
}

function noResponse(requestId: string): string {
  return (
    `CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [${requestId}]. ` +
    'If you are using the Python cfn-response module, you may need to update your Lambda function code so that CloudFormation can attach the updated version.'
  );
}

function refusal(code: string, message: string): HttpAnswer {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return { status: 403, headers: { 'content-type': 'application/xml' }, body };
}

import { isLogicalId, isObject, isStackId, isText } from '../device/event-members';
import { failures } from '../failure';

/**
 * An event of CloudFormation's custom resource protocol, as Lambda delivers it.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html
 */
export interface CustomResourceEvent {
  readonly RequestType: 'Create' | 'Update' | 'Delete';
  readonly RequestId: string;
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly LogicalResourceId: string;
  /** With Update and Delete. */
  readonly PhysicalResourceId?: string;
  readonly ResourceProperties: Readonly<Record<string, unknown>>;
  /** With Update. */
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>;
}

/** Longer than any URL that Amazon S3 signs. */
const MAX_URL_LENGTH = 8_192;

/**
 * Refuses an event that CloudFormation cannot have sent: whoever may invoke the function can make one up. What passes is short
 * enough to be logged and answered.
 *
 * @param isHttpAllowed whether the answer may go to a URL without TLS
 * @throws Failure naming the member and what is allowed
 */
export function checkEvent(event: CustomResourceEvent, isHttpAllowed: boolean): void {
  const { RequestType, ResponseURL, PhysicalResourceId, ResourceProperties, OldResourceProperties } = event;
  check('RequestType', ['Create', 'Update', 'Delete'].includes(RequestType), 'Create, Update or Delete');
  const protocols = isHttpAllowed ? ['https:', 'http:'] : ['https:'];
  const isUrl =
    isText(ResponseURL, MAX_URL_LENGTH) &&
    URL.canParse(ResponseURL) &&
    protocols.includes(new URL(ResponseURL).protocol);
  check('ResponseURL', isUrl, 'an https URL');
  check('RequestId', isText(event.RequestId, 128, /^[\w-]+$/), '1 to 128 letters, digits and hyphens');
  check('StackId', isStackId(event.StackId), 'the ARN of a CloudFormation stack');
  check('LogicalResourceId', isLogicalId(event.LogicalResourceId), '1 to 255 letters and digits');
  if (RequestType === 'Create') {
    check('PhysicalResourceId', PhysicalResourceId === undefined, 'none, before the resource is created');
  } else {
    const isId = isText(PhysicalResourceId, 1_024, /^[\u0020-\u007e]+$/);
    check('PhysicalResourceId', isId, '1 to 1,024 printable ASCII characters');
  }
  check('ResourceProperties', isObject(ResourceProperties), 'an object');
  check('OldResourceProperties', isObject(OldResourceProperties ?? {}), 'an object');
}

function check(member: keyof CustomResourceEvent, isValid: boolean, allowed: string): void {
  if (!isValid) throw failures.invalidEvent(member, allowed);
}

import type { Watch, WatchEvent } from '../contract/watch';
import { isLogicalId, isObject, isStackId, isText } from '../device/event-members';
import { failures } from '../failure';

/** As many as a stack has resources. */
const MAX_DEVICES = 500;

/** Whether the event claims to come from the schedule of a watch. */
export function isWatchEvent(event: object): event is WatchEvent {
  return 'Watch' in event;
}

/**
 * Refuses an event that no schedule of the library can have sent: whoever may invoke the function can make one up.
 *
 * @throws Failure naming the member and what is allowed
 */
export function checkWatchEvent(event: WatchEvent): void {
  check('Watch', isObject(event.Watch), 'an object');
  const { StackId, StackName, Repair, Recreate, Devices } = event.Watch;
  check('StackId', isStackId(StackId), 'the ARN of a CloudFormation stack');
  check('StackName', isText(StackName, 128, /^[\w-]+$/), 'the name of a CloudFormation stack');
  check('Repair', typeof Repair === 'boolean', 'true or false');
  check('Recreate', typeof Recreate === 'boolean', 'true or false');
  const areDevices =
    Array.isArray(Devices) &&
    Devices.length <= MAX_DEVICES &&
    Devices.every((device: unknown) => isObject(device) && isDevice(device as Partial<Watch['Devices'][number]>));
  check('Devices', areDevices, `a list of up to ${MAX_DEVICES} {LogicalResourceId, ResourceProperties}`);
}

function isDevice({ LogicalResourceId, ResourceProperties }: Partial<Watch['Devices'][number]>): boolean {
  return isLogicalId(LogicalResourceId) && isObject(ResourceProperties);
}

function check(member: keyof WatchEvent | keyof Watch, isValid: boolean, allowed: string): void {
  if (!isValid) throw failures.invalidEvent(member, allowed);
}

import type { EnrollmentRequest } from './enrollment-request';
import type { RequestTime } from '../request-time';

/** What a goal is about. */
export interface Goal {
  readonly request: EnrollmentRequest;
  readonly serialNumber: string;
  /** When CloudFormation made the request: the order of events. */
  readonly requestTime: RequestTime;
}

/** An enabled device whose seed is stored and current. */
export interface Present extends Goal {
  readonly want: 'present';
  /** The device is there already, says CloudFormation: it must not be exchanged for another under the same name. */
  readonly isInPlace: boolean;
  /** Stores the seed that an earlier event stored anew, which supersedes whatever that event still does late. */
  readonly takesOver: boolean;
  /** Keys of tags that an earlier version of the resource had set. */
  readonly formerTagKeys: readonly string[];
  /** The version under which the seed has to be current; any version without it. */
  readonly seedVersionId?: string;
  /** Of the rotation that makes the device: its version ids begin like it. */
  readonly rotationToken?: string;
  /** Makes the seed current only once the device is known everywhere to be enabled: whoever reads the current seed can sign in. */
  readonly waitsForSignIn?: boolean;
}

/** A device that is enabled, and whose codes come from the secret's current seed. Changes nothing. */
export interface Proven extends Goal {
  readonly want: 'proven';
}

/** A secret that keeps earlier requests, if they run late, from making a device. */
export interface Retired extends Goal {
  readonly want: 'retired';
}

/** No device. */
export interface Absent extends Goal {
  readonly want: 'absent';
  /** Made a while ago, if at all: IAM sees it everywhere. */
  readonly isOld?: boolean;
  /** What goes, if a failed run is undone; all that is this resource's without it. */
  readonly undoing?: Undoing;
}

/** A device that was adopted, as it was found: without the resource's tags, and enabled only if it was. */
export interface Released extends Goal {
  readonly want: 'released';
  /** What is undone, if a failed run is. */
  readonly undoing?: Undoing;
}

/** What undoing a run removes: a device that is enabled only if the run itself has enabled it. */
export interface Undoing {
  /** The seed version of the device that the run has made, or adopted. */
  readonly made: string | undefined;
  /** The seed version of the device that the run has enabled. */
  readonly enabled: string | undefined;
  /** Whether a device that the run has found goes too. */
  readonly alsoFound: boolean;
}

/** What an event wants to come true. */
export type Wanted = Present | Proven | Retired | Absent | Released;

import type { Probe } from './probe';
import { recordsNoSecrets } from './probes/cloud-trail';
import { knowsANewDeviceAtSignIn, knowsANewUser, showsTheTagsOfANewDevice } from './probes/delays';
import { namesSecretsManagerInChina } from './probes/encryption-key';
import {
  deletesItsOwnDevicesAlone,
  knowsANewPolicy,
  marksNoOtherStacksDevice,
  tellsThatSomethingIsGone,
} from './probes/role-policies';
import {
  movesALabelOnce,
  readsBackWhatWasJustStored,
  showsWhatWasJustWritten,
  tagsWithAnyUserName,
  takesTimesInVersionIds,
} from './probes/seed-secrets';
import {
  cleansUpPoliciesLast,
  datesRequests,
  keepsForeignTags,
  keepsTheDeviceOfARollback,
  revertsTheSecretFirst,
} from './probes/stack-events';

/** A probe for each assumption of docs/aws-assumptions.md, in its order. */
export const PROBES: readonly Probe[] = [
  deletesItsOwnDevicesAlone,
  marksNoOtherStacksDevice,
  tellsThatSomethingIsGone,
  knowsANewPolicy,
  takesTimesInVersionIds,
  tagsWithAnyUserName,
  showsWhatWasJustWritten,
  readsBackWhatWasJustStored,
  movesALabelOnce,
  datesRequests,
  cleansUpPoliciesLast,
  revertsTheSecretFirst,
  keepsTheDeviceOfARollback,
  keepsForeignTags,
  knowsANewUser,
  showsTheTagsOfANewDevice,
  knowsANewDeviceAtSignIn,
  namesSecretsManagerInChina,
  recordsNoSecrets,
];

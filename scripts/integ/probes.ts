import type { Probe } from './probe';
import { recordsNoSecrets } from './probes/cloud-trail';
import { enablesANewDevice, knowsANewDeviceAtSignIn, knowsANewUser, showsTheTagsOfANewDevice } from './probes/delays';
import { namesSecretsManagerInChina, saysThatAKeyIsDenied, takesNoKeyThatIsNotThere } from './probes/encryption-key';
import {
  deletesItsOwnDevicesAlone,
  knowsANewPolicy,
  marksNoOtherStacksDevice,
  tellsThatSomethingIsGone,
} from './probes/role-policies';
import {
  makesCurrentWhatWasJustStored,
  movesALabelOnce,
  readsBackWhatWasJustStored,
  showsWhatWasJustWritten,
  tagsWithAnyUserName,
  takesTimesInVersionIds,
} from './probes/seed-secrets';
import {
  asksAReplacedResourceAgain,
  cleansUpPoliciesLast,
  datesRequests,
  deletesSecretsForGood,
  keepsForeignTags,
  keepsTheDeviceOfARollback,
  revertsTheSecretFirst,
  sendsKnownShapes,
  showsTheNewTemplateInTheCleanUp,
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
  makesCurrentWhatWasJustStored,
  movesALabelOnce,
  sendsKnownShapes,
  datesRequests,
  cleansUpPoliciesLast,
  showsTheNewTemplateInTheCleanUp,
  revertsTheSecretFirst,
  asksAReplacedResourceAgain,
  keepsTheDeviceOfARollback,
  keepsForeignTags,
  deletesSecretsForGood,
  knowsANewUser,
  enablesANewDevice,
  showsTheTagsOfANewDevice,
  knowsANewDeviceAtSignIn,
  takesNoKeyThatIsNotThere,
  saysThatAKeyIsDenied,
  namesSecretsManagerInChina,
  recordsNoSecrets,
];

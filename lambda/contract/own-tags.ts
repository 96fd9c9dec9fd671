/** What the keys of the tags that this library sets begin with; nobody else may use such keys on a device. */
export const OWN_TAG_PREFIX = 'cdk-iam-virtual-mfa:';

/** Tag with the id of the owning stack. It marks devices and seed secrets, and the role's policy is conditioned on it. */
export const STACK_ID_TAG = `${OWN_TAG_PREFIX}stack-id`;

/** Tag with the logical id of the owning resource in its stack, on devices and seed secrets. */
export const LOGICAL_ID_TAG = `${OWN_TAG_PREFIX}logical-id`;

/** Tag of the seed secret, with the name of the user whose device's seed it is made for. */
export const USER_NAME_TAG = `${OWN_TAG_PREFIX}user-name`;

/** Tag with a hash of what the device was enrolled for (user, path, rotation): tells a replacement from a change in place. */
export const ENROLLMENT_TAG = `${OWN_TAG_PREFIX}enrollment`;

/** Tag with the version id under which the device's seed is stored: a device made anew under the same name has another. */
export const SEED_VERSION_TAG = `${OWN_TAG_PREFIX}seed-version`;

/** Tag of a device that was adopted, with how it was found: `enabled` for its user, or `unassigned`. It is left like that. */
export const ADOPTED_TAG = `${OWN_TAG_PREFIX}adopted`;

/** Tag of the seed secret, with the ARN of the secret that holds the seed of a device to adopt: no event can name another. */
export const EXISTING_SEED_TAG = `${OWN_TAG_PREFIX}existing-seed`;

/** Tag of the seed secret, with the member of that secret's JSON; empty for the whole value. */
export const EXISTING_SEED_FIELD_TAG = `${OWN_TAG_PREFIX}existing-seed-field`;

/** Tag of the seed secret, with the time of the latest request to delete a device: an earlier request that runs late makes none. */
export const RETIRED_TAG = `${OWN_TAG_PREFIX}retired`;

/** Tag of a seed secret of which a function gives out codes: the function's role reads no other. */
export const CODES_TAG = `${OWN_TAG_PREFIX}codes`;

/** Tag that an administrator sets to `off`, on a device or its seed secret: a watch then leaves the device as it is. */
export const WATCH_TAG = `${OWN_TAG_PREFIX}watch`;

/** The tags that the handler puts on devices, of those that IAM takes. */
export const OWN_TAG_KEYS = [STACK_ID_TAG, LOGICAL_ID_TAG, ENROLLMENT_TAG, SEED_VERSION_TAG, ADOPTED_TAG] as const;

import { isPolicyDocument, type PolicyDocument } from '../policy-document';
import { AwsError } from '../protocol/aws-error';
import { flag, integer, list, type Member, optional, structure, text } from '../protocol/members';
import { limitExceeded, type Role, type Tags, type User } from './entities';

const friendlyName = /^[\w+=,.@-]+$/;

/** IAM's members and their constraints, as its API reference gives them. */
export const userName = text({ min: 1, max: 64, pattern: friendlyName });
export const existingUserName = text({ min: 1, max: 128, pattern: friendlyName });
export const groupName = text({ min: 1, max: 128, pattern: friendlyName });
export const roleName = text({ min: 1, max: 64, pattern: friendlyName });
export const policyName = text({ min: 1, max: 128, pattern: friendlyName });
export const virtualMfaDeviceName = text({ min: 1, max: 226, pattern: friendlyName });
export const serialNumber = text({ min: 9, max: 256, pattern: /^[\w+=/:,.@-]+$/ });
export const authenticationCode = text({ min: 6, max: 6, pattern: /^[\d]+$/ });
export const arn = text({ min: 20, max: 2048 });
const maxItems = integer(1, 1000);

export const tagKey = text({ min: 1, max: 128, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u });
const tagValue = text({ min: 0, max: 256, pattern: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u });
export const tags = list(structure({ Key: tagKey, Value: tagValue }));
export type TagList = readonly { readonly Key: string; readonly Value: string }[];

export const paging = { Marker: optional(text()), MaxItems: optional(maxItems) };
export { flag, integer, list, optional, text };

/** AWS documents U+007F, too, and was recorded to refuse it. */
const pathPattern = /^(\u002F)$|^(\u002F[\u0021-\u007E]+\u002F)$/;

/** A path; refused in words of its own, which do not repeat it. */
export const path: Member<string> = {
  required: true,
  read: (value, at) => {
    if (typeof value === 'string' && value.length > 512) {
      throw new AwsError(
        'ValidationError',
        `1 validation error detected: Value at '${at}' failed to satisfy constraint: Member must have length less than or equal to 512`,
      );
    }
    if (typeof value === 'string' && pathPattern.test(value)) return value;
    throw new AwsError(
      'ValidationError',
      'The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.',
    );
  },
};

/** A policy document, given as JSON text. */
export const policyDocument: Member<PolicyDocument> = {
  required: true,
  read: (value, at) => {
    const json = text({ min: 1, max: 131_072 }).read(value, at);
    try {
      const document: unknown = JSON.parse(json);
      if (isPolicyDocument(document)) return document;
    } catch {
      // Answered like every other text that is no policy.
    }
    throw new AwsError('MalformedPolicyDocument', `Syntax errors in policy at ${at}`);
  },
};

/** The size IAM counts against a policy's quota: characters without white space. */
export function policySize(document: PolicyDocument): number {
  return JSON.stringify(document).replace(/\s/g, '').length;
}

const TAGS_PER_ENTITY = 50;

/** Whether keys that differ in case alone are two keys, or one, as they are for users and roles. */
export type KeyCase = 'case-sensitive' | 'case-insensitive';

export function tagsOf(list: TagList = [], keyCase: KeyCase = 'case-insensitive'): Tags {
  return setTags(new Map(), list, keyCase);
}

export function setTags(tags: Tags, list: TagList, keyCase: KeyCase = 'case-insensitive'): Tags {
  const keys = list.map(({ Key }) => (keyCase === 'case-sensitive' ? Key : Key.toLowerCase()));
  if (new Set(keys).size < keys.length) {
    const note = keyCase === 'case-sensitive' ? '' : ' Please note that Tag keys are case insensitive.';
    throw new AwsError('InvalidInput', `Duplicate tag keys found.${note}`);
  }
  const merged = new Map([...tags, ...list.map(({ Key, Value }) => [Key, Value] as const)]);
  if (merged.size > TAGS_PER_ENTITY) throw limitExceeded('TagsPerEntity', TAGS_PER_ENTITY);
  const reserved = list.find(({ Key }) => /^aws:/i.test(Key));
  if (reserved) throw new AwsError('InvalidInput', `Tag keys beginning with aws: are reserved: ${reserved.Key}`);
  for (const [key, value] of merged) tags.set(key, value);
  return tags;
}

/** The permissions boundary as answers have it. */
export function renderedBoundary({ permissionsBoundary }: User | Role): Record<string, unknown> {
  if (permissionsBoundary === undefined) return {};
  const boundary = { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: permissionsBoundary };
  return { PermissionsBoundary: boundary };
}

export function tagListOf(tags: Tags): TagList {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}

/** Cuts a page out of a whole list; the marker is the place in it. */
export function page<T>(
  all: readonly T[],
  { Marker, MaxItems = 100 }: { readonly Marker?: string | undefined; readonly MaxItems?: number | undefined },
): { readonly items: readonly T[]; readonly IsTruncated: boolean; readonly Marker?: string } {
  if (Marker !== undefined && !/^\d+$/.test(Marker)) throw new AwsError('ValidationError', 'Invalid Marker.');
  const start = Number(Marker ?? 0);
  const end = start + MaxItems;
  return {
    items: all.slice(start, end),
    IsTruncated: end < all.length,
    ...(end < all.length ? { Marker: String(end) } : {}),
  };
}

/** Condition keys that tags in a request and tags on a resource give to a policy. */
export function tagContext(
  request: TagList | undefined,
  resource: Tags | undefined,
): Record<string, string | string[]> {
  return {
    ...Object.fromEntries((request ?? []).map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value])),
    ...(request && request.length > 0 ? { 'aws:TagKeys': request.map(({ Key }) => Key) } : {}),
    ...Object.fromEntries([...(resource ?? [])].map(([key, value]) => [`aws:ResourceTag/${key}`, value])),
  };
}

import { isPolicyDocument, type PolicyDocument } from '../policy-document';
import { AwsError } from '../protocol/aws-error';
import { limitExceeded, type Role, type Tags, type User } from './entities';

export type TagList = readonly { readonly Key: string; readonly Value: string }[];

/** IAM's own words for a name or a path that does not fit its pattern. */
export function patternSentence(member: string, pattern: string): string | undefined {
  if (pattern === String.raw`[\w+=,.@-]+`) {
    return `The specified value for ${member} is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-`;
  }
  if (!/path$/i.test(member)) return undefined;
  return `The specified value for ${member} is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.`;
}

/** Reads a policy document, given as JSON text. */
export function readPolicy(text: string, at: string): PolicyDocument {
  try {
    const document: unknown = JSON.parse(text);
    if (isPolicyDocument(document)) return document;
  } catch {
    // Answered like every other text that is no policy.
  }
  throw new AwsError('MalformedPolicyDocument', `Syntax errors in policy at ${at}`);
}

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
  request: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] = [],
  resource: Tags | undefined,
): Record<string, string | string[]> {
  return {
    ...Object.fromEntries(request.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
    ...(request.length > 0 ? { 'aws:TagKeys': request.map(({ Key = '' }) => Key) } : {}),
    ...Object.fromEntries([...(resource ?? [])].map(([key, value]) => [`aws:ResourceTag/${key}`, value])),
  };
}

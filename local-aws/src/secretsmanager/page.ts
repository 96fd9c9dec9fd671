import { AwsError } from '../protocol/aws-error';

/** Cuts a page out of a whole list; the token is opaque, as AWS's: none may count on what it says. */
export function page<T>(
  all: readonly T[],
  {
    MaxResults = 100,
    NextToken,
  }: { readonly MaxResults?: number | undefined; readonly NextToken?: string | undefined },
): { readonly items: readonly T[]; readonly NextToken?: string } {
  const start = NextToken === undefined ? 0 : placeIn(NextToken);
  const end = start + MaxResults;
  return { items: all.slice(start, end), ...(end < all.length ? { NextToken: tokenOf(end) } : {}) };
}

function tokenOf(place: number): string {
  return Buffer.from(`after ${place}`).toString('base64url');
}

function placeIn(token: string): number {
  const [, place] = /^after (\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (place === undefined || tokenOf(Number(place)) !== token) {
    throw new AwsError('InvalidNextTokenException', 'The NextToken value is invalid.');
  }
  return Number(place);
}

const MOST_EDITS = 2;

/** The candidate that was probably meant: the same but for case, a longer or shorter form, or two edits away at most. */
export function nearestOf(candidates: readonly string[], text: string): string | undefined {
  const got = text.toLowerCase();
  const ranked = candidates
    .map((candidate) => ({ candidate, distance: distanceTo(candidate.toLowerCase(), got) }))
    .sort((one, other) => one.distance - other.distance);
  return ranked.find(({ distance }) => distance <= MOST_EDITS)?.candidate;
}

function distanceTo(candidate: string, got: string): number {
  // So far apart in length, they are as many edits apart; got may be of any length.
  if (Math.abs(got.length - candidate.length) > MOST_EDITS && !candidate.includes(got)) {
    return Infinity;
  }
  const isForm = got.length > MOST_EDITS && (candidate.startsWith(got) || candidate.endsWith(got));
  return isForm && candidate !== got ? MOST_EDITS : edits(candidate, got);
}

/** Levenshtein distance. */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let index = 0; index < one.length; index++) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column++) {
      const substituted = (row[column - 1] ?? 0) + (other[column - 1] === one[index] ? 0 : 1);
      next.push(Math.min(substituted, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

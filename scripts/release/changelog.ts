const UNRELEASED = '## [Unreleased]';
/** The headings of https://keepachangelog.com/en/1.1.0/ */
const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'];

/**
 * Moves what is unreleased under a version.
 *
 * @param date as ISO 8601 has it
 * @throws Error if there is nothing to release, or the version is no next one
 */
export function released(changelog: string, version: string, date: string): string {
  if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error('The version must be three numbers, such as 1.2.0.');
  const [newest] = versionsIn(changelog);
  if (newest !== undefined && compare(version, newest) <= 0) {
    throw new Error(`The version must be higher than ${newest}, the newest one in CHANGELOG.md.`);
  }
  const entries = sectionOf(changelog, UNRELEASED);
  if (entries === undefined) throw new Error(`CHANGELOG.md must have one heading "${UNRELEASED}".`);
  if (!/^- /m.test(entries))
    throw new Error(`CHANGELOG.md lists nothing under "${UNRELEASED}": describe what changed.`);
  const kinds = [...entries.matchAll(/^### (.+)$/gm)].map(([, kind = '']) => kind);
  const unknown = kinds.filter((kind, index) => !KINDS.includes(kind) || kinds.indexOf(kind) < index);
  if (unknown.length > 0) {
    throw new Error(`The headings of the unreleased changes must be ${KINDS.join(', ')}, each at most once.`);
  }
  return changelog.replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`);
}

/** The entries of a version, without its heading; undefined if it is not listed. */
export function entriesOf(changelog: string, version: string): string | undefined {
  const heading = changelog.match(
    new RegExp(`^## \\[${version.replaceAll('.', '\\.')}\\] - \\d{4}-\\d\\d-\\d\\d$`, 'm'),
  );
  return heading === null ? undefined : sectionOf(changelog, heading[0])?.trim();
}

/** What is not released yet, without its heading. */
export function unreleasedIn(changelog: string): string {
  return sectionOf(changelog, UNRELEASED)?.trim() ?? '';
}

/** The text below a heading, up to the next one of its level. */
function sectionOf(changelog: string, heading: string): string | undefined {
  const [, section, ...others] = `\n${changelog}`.split(`\n${heading}\n`);
  return others.length > 0 ? undefined : section?.split('\n## ')[0];
}

/** The versions that are listed, the newest first. */
function versionsIn(changelog: string): string[] {
  const versions = [...changelog.matchAll(/^## \[(\d+\.\d+\.\d+)\]/gm)].map(([, version = '']) => version);
  return versions.sort((one, other) => compare(other, one));
}

function compare(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true });
}

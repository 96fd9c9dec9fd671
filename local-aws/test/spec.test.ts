import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BOTOCORE, botocoreFolder, hashOf, resourceTypes, servedServices, specFrom } from '../scripts/write-spec';
import type { ServiceSpec, Shape } from '../src/protocol/spec';

const read = (name: string) => readFileSync(join(__dirname, '../spec', name), 'utf8');
const actions = JSON.parse(read('actions.json')) as {
  readonly botocore: string;
  readonly sha256: string;
  readonly services: Readonly<Record<string, ServiceSpec>>;
};
const models = botocoreFolder();

describe('local-aws/spec', () => {
  it('is what the script wrote, unchanged', () => {
    expect(actions.botocore).toBe(BOTOCORE);
    expect(hashOf(actions.services)).toBe(actions.sha256);
    expect(read('resource-types.json')).toBe(resourceTypes());
  });

  it.skipIf(models === undefined)(`is what the script writes from botocore ${BOTOCORE}, if python3 has it`, () => {
    for (const [name, content] of Object.entries(specFrom(models ?? ''))) expect(read(name)).toBe(content);
  });

  it.each(servedServices().map((service) => [service.name, service] as const))(
    'has the actions of %s, and every member that they take',
    (name, service) => {
      const spec = actions.services[name] ?? {};
      expect(Object.keys(service.actions).sort()).toEqual(Object.keys(spec));
      for (const [action, { takes = [] } = {}] of Object.entries(service.actions)) {
        expect([action, takes.filter((member) => !(member in (spec[action]?.input ?? {})))]).toEqual([action, []]);
      }
    },
  );

  it('has patterns that JavaScript understands', () => {
    const patternsIn = ({ pattern, member, members = {} }: Shape): readonly string[] => [
      ...(pattern === undefined ? [] : [pattern]),
      ...[...Object.values(members), ...(member ? [member] : [])].flatMap(patternsIn),
    ];
    const inputs = Object.values(actions.services).flatMap((service) =>
      Object.values(service).map(({ input }) => input),
    );
    const patterns = new Set(inputs.flatMap((input) => Object.values(input).flatMap(patternsIn)));
    expect(patterns.size).toBeGreaterThan(30);
    for (const pattern of patterns)
      expect(() => new RegExp(pattern, pattern.includes('\\p{') ? 'u' : '')).not.toThrow();
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { physicalName } from '../../src/cloudformation/provider';
import { assertAcyclic, closure, reversed, runInOrder } from '../../src/cloudformation/template/graph';
import { evaluate, NO_VALUE, type Scope } from '../../src/cloudformation/template/intrinsics';
import { referencesIn } from '../../src/cloudformation/template/references';
import { parseTemplate } from '../../src/cloudformation/template/template';

const scope: Scope = {
  region: 'eu-central-1',
  ref: (name) => (name === 'AWS::NoValue' ? NO_VALUE : `<${name}>`),
  getAtt: (logicalId, attribute) => `<${logicalId}.${attribute}>`,
  condition: (name) => name === 'Yes',
  mapping: () => ({ top: { second: ['mapped'] } }),
  importValue: (name) => `imported ${name}`,
};

describe('evaluating functions', () => {
  it.each([
    [{ Ref: 'A' }, '<A>'],
    [{ 'Fn::GetAtt': ['A', 'Arn'] }, '<A.Arn>'],
    [{ 'Fn::GetAtt': 'A.Nested.Arn' }, '<A.Nested.Arn>'],
    [{ 'Fn::Sub': '${A}-${A.Arn}-${!Literal}' }, '<A>-<A.Arn>-${Literal}'],
    [{ 'Fn::Sub': ['${x}${A}', { x: { 'Fn::Join': ['', ['1', 2]] } }] }, '12<A>'],
    [{ 'Fn::Join': [',', ['a', { Ref: 'B' }]] }, 'a,<B>'],
    [{ 'Fn::Select': ['1', { 'Fn::Split': ['/', 'a/b'] }] }, 'b'],
    [{ 'Fn::If': ['Yes', 'y', { Ref: 'AWS::NoValue' }] }, 'y'],
    [[1, { 'Fn::If': ['No', 'y', { Ref: 'AWS::NoValue' }] }], [1]],
    [{ a: { Ref: 'AWS::NoValue' }, b: false }, { b: false }],
    [{ 'Fn::Not': [{ 'Fn::And': [{ Condition: 'Yes' }, { 'Fn::Or': [{ Condition: 'No' }] }] }] }, true],
    [{ 'Fn::Equals': ['1', 1] }, true],
    [{ 'Fn::FindInMap': ['Map', 'top', 'second'] }, ['mapped']],
    [{ 'Fn::ImportValue': { 'Fn::Sub': '${A}-x' } }, 'imported <A>-x'],
    [{ 'Fn::Base64': 'abc' }, 'YWJj'],
    [{ 'Fn::GetAZs': '' }, ['eu-central-1a', 'eu-central-1b', 'eu-central-1c']],
  ])('%j yields %j', (value, expected) => {
    expect(evaluate(value, scope)).toEqual(expected);
  });

  it.each([
    [{ 'Fn::Cidr': [] }, 'Fn::Cidr'],
    [{ 'Fn::Transform': {} }, 'Fn::Transform'],
    [{ 'Fn::Join': ['x'] }, 'requires a list of 2'],
    [{ 'Fn::Select': [5, ['a']] }, 'nonexistent value at index 5'],
    [{ Ref: 1 }, 'Ref requires a string'],
  ])('%j fails by name', (value, message) => {
    expect(() => evaluate(value, scope)).toThrow(message);
  });

  it('leaves every value without functions as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        fc.pre(!/"(Ref|Fn::)/.test(JSON.stringify(value)));
        expect(JSON.stringify(evaluate(value, scope))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('splits what it joined', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]*$/), { minLength: 1 }), (parts) => {
        expect(evaluate({ 'Fn::Split': ['|', { 'Fn::Join': ['|', parts] }] }, scope)).toEqual(parts);
      }),
    );
  });
});

describe('references', () => {
  it('are found in every function, also in the branch that is not taken', () => {
    const value = {
      a: { 'Fn::If': ['No', { Ref: 'A' }, { 'Fn::GetAtt': 'B.Arn' }] },
      c: { 'Fn::Sub': ['${C.Arn}${own}${!No}', { own: { Ref: 'D' } }] },
    };
    expect([...referencesIn(value)].sort()).toEqual(['A', 'B', 'C', 'D']);
  });
});

describe('reading a template', () => {
  it.each([
    ['{', 'JSON not well-formed'],
    ['{"Resources":{}}', 'At least one Resources member must be defined'],
    ['{"Resources":{"A":{}}}', "[/Resources/A/Type] 'null' values are not allowed"],
    ['{"Resource":{}}', 'Invalid template property or properties [Resource]'],
    ['{"Transform":"AWS::Serverless-2016-10-31","Resources":{}}', 'the transform "AWS::Serverless-2016-10-31"'],
    ['{"Resources":{"A":{"Type":"X","DeletionPolicy":"Snapshot"}}}', 'the DeletionPolicy "Snapshot" of resource A'],
    ['Resources: {}', 'local-aws does not implement templates in YAML'],
  ])('%s is refused: %s', (body, message) => {
    expect(() => parseTemplate(body)).toThrow(message);
  });
});

/** Random graphs without circles: a node depends on nodes before it only. */
const graphs = fc
  .array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 })
  .map(
    (lists) =>
      new Map(
        lists.map((list, index) => [
          String(index),
          new Set(list.filter((dependency) => dependency < index).map(String)),
        ]),
      ),
  );

describe('working through a graph', () => {
  it('does every node once, after all that it depends on', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, async (graph) => {
        const done: string[] = [];
        const failed = await runInOrder(
          graph,
          async (node) => {
            expect([...(graph.get(node) ?? [])].every((dependency) => done.includes(dependency))).toBe(true);
            await Promise.resolve();
            done.push(node);
            return true;
          },
          { stop: true },
        );
        expect(failed).toEqual([]);
        expect(done.sort()).toEqual([...graph.keys()].sort());
      }),
    );
  });

  it('leaves out what depends on a failure, and nothing else unless it shall stop', async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.nat(20), async (graph, bad) => {
        const started: string[] = [];
        await runInOrder(
          graph,
          async (node) => {
            started.push(node);
            return node !== String(bad);
          },
          { stop: false },
        );
        const reached = closure(graph);
        const expected = [...graph.keys()].filter((node) => !reached.get(node)?.has(String(bad)));
        expect(started.sort()).toEqual(expected.sort());
      }),
    );
  });

  it('tells what runs when something fails', async () => {
    let told = false;
    const graph = new Map([
      ['slow', new Set<string>()],
      ['bad', new Set<string>()],
      ['later', new Set(['slow'])],
    ]);
    const failed = await runInOrder(
      graph,
      async (node, signal) => {
        if (node === 'bad') return false;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        told = true;
        return true;
      },
      { stop: true },
    );
    expect({ failed, told }).toEqual({ failed: ['bad'], told: true });
  });

  it('turns around twice into itself, and knows circles', () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        assertAcyclic(graph);
        expect(reversed(reversed(graph))).toEqual(graph);
      }),
    );
    expect(() =>
      assertAcyclic(
        new Map([
          ['a', new Set(['b'])],
          ['b', new Set(['a'])],
        ]),
      ),
    ).toThrow('Circular dependency between resources: [a, b]');
  });
});

describe('a physical name', () => {
  it('keeps to the limit, and its random end', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,127}$/),
        fc.stringMatching(/^[A-Za-z0-9]{1,255}$/),
        fc.constantFrom(64, 128),
        (stack, logicalId, limit) => {
          const name = physicalName(stack, logicalId, limit);
          expect(name.length).toBeLessThanOrEqual(limit);
          expect(name).toMatch(/^.+-.+-[A-Z0-9]{12}$/);
        },
      ),
    );
    expect(physicalName('demo', 'User', 64)).toMatch(/^demo-User-[A-Z0-9]{12}$/);
  });
});

import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { execa } from 'execa';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import schema from '../bin/mfa-users.schema.json';
import { readMfaUsersDocument } from '../bin/mfa-users/read-document';
import { systemClock } from '../lambda/contract/clock';
import { EXIT_CODES } from '../bin/virtual-mfa/command-failure';
import { programFor } from '../bin/virtual-mfa/program';
import { SERIAL_NUMBER_MAX_LENGTH } from '../lambda/contract/serial-number';
import { type Failure, failures, withRemains } from '../lambda/failure';
import { checkTypes } from './check-types';

const ROOT = resolve(__dirname, '..');
const PACKAGE = manifestOf('package.json');
const LOCAL_AWS = manifestOf('local-aws/package.json');
const INTEG = manifestOf('test/integ/package.json');
const PUBLIB = manifestOf('.github/publib/package.json');
const README = textOf('README.md');
const CONTRIBUTING = textOf('CONTRIBUTING.md');
/** The pages that users read, README first. */
const GUIDES = ['README.md', ...markdownIn('docs')];
const PAGES = [
  ...GUIDES,
  ...['CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'CODE_OF_CONDUCT.md', 'local-aws/README.md'],
  '.github/pull_request_template.md',
];

/** What the tests read of a package.json. */
interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly stability?: string;
  readonly engines?: { readonly node: string };
  readonly repository?: { readonly url: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

describe('README’s commands', () => {
  test('to try the package come first, and are these two', () => {
    expect(blocksOf(README, 'sh')[0]).toBe('npm ci && npm run demo\nnpm ci && npm test\n');
    expect(PACKAGE.scripts).toMatchObject({ demo: expect.any(String) as string, test: expect.any(String) as string });
  });

  test('fit 250 lines', () => {
    expect(README.split('\n').length).toBeLessThanOrEqual(251);
  });

  test.each(PAGES)('with npm run, in %s, are scripts of package.json', (page) => {
    const scripts = [...textOf(page).matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);

    expect(scripts.filter((script) => PACKAGE.scripts?.[script] === undefined)).toEqual([]);
  });

  test('CI calls the second of the two', () => {
    expect(textOf('.ci/run')).toMatch(/^npm ci\nnpm test\n/m);
  });
});

describe('the list of errors', () => {
  const serialNumber = '<serialNumber>';
  const userName = '<userName>';
  /** Compiles only while it has every failure. Counts and lengths are computed: their place is marked afterwards. */
  const examples: Readonly<Record<keyof typeof failures, Failure>> = {
    invalidProperty: failures.invalidProperty('<name>', '<value>', '<allowed>'),
    invalidEvent: failures.invalidEvent('<member>', '<allowed>'),
    serialNumberTooLong: failures.serialNumberTooLong(271, SERIAL_NUMBER_MAX_LENGTH),
    notOurDevice: failures.notOurDevice(serialNumber),
    existingDeviceAbsent: failures.existingDeviceAbsent(serialNumber),
    existingDeviceOfAnother: failures.existingDeviceOfAnother(serialNumber),
    existingSeedWrong: failures.existingSeedWrong(serialNumber, userName),
    existingSeedNotThere: failures.existingSeedNotThere('<secretArn>'),
    existingSeedNotValid: failures.existingSeedNotValid('<secretArn>'),
    existingSeedDenied: failures.existingSeedDenied('<secretArn>'),
    seedOfEnabledDeviceLost: failures.seedOfEnabledDeviceLost(serialNumber, userName),
    enabledForAnotherUser: failures.enabledForAnotherUser(serialNumber, userName),
    superseded: failures.superseded(),
    notEnabledWithCurrentSeed: failures.notEnabledWithCurrentSeed(serialNumber, userName),
    noSeedToRotate: failures.noSeedToRotate('<secretArn>'),
    notRotating: failures.notRotating(),
    rotationOvertaken: failures.rotationOvertaken(),
    stillEnabled: failures.stillEnabled(serialNumber, userName),
    sameNameReplacement: failures.sameNameReplacement(serialNumber),
    tooManyDevices: failures.tooManyDevices(userName, ['<serialNumbers>']),
    userQuotaReached: failures.userQuotaReached(userName, 1),
    tooManyDevicesInAccount: failures.tooManyDevicesInAccount(),
    noSuchUser: failures.noSuchUser(userName),
    seedNotOfDevice: failures.seedNotOfDevice(serialNumber),
    codesRefused: failures.codesRefused(serialNumber),
    deviceKeepsVanishing: failures.deviceKeepsVanishing(serialNumber),
    seedSecretGone: failures.seedSecretGone('<secretArn>'),
    seedSecretNotSeen: failures.seedSecretNotSeen('<secretArn>'),
    seedSecretOfAnother: failures.seedSecretOfAnother('<secretArn>'),
    accessDenied: failures.accessDenied('<action>', '<message>'),
    timeRanOut: failures.timeRanOut('<action>', '<lastError>'),
    unexpected: failures.unexpected('<message>'),
  };
  const computed: Readonly<Record<string, readonly [computed: string, placeholder: string]>> = {
    invalidProperty: ['got a text of 7 characters', 'got <kind>'],
    serialNumberTooLong: ['have 271 characters', 'have <length> characters'],
    userQuotaReached: ['has 1 of', 'has <count> of'],
    tooManyDevices: ['has 1 MFA devices', 'has <count> MFA devices'],
  };
  const messages = Object.entries(examples).map(([name, { message }]) => {
    const [from, to] = computed[name] ?? ['', ''];
    return [name, message.replace(from, to)] as const;
  });
  const remains = withRemains(failures.unexpected('<message>'), serialNumber, failures.unexpected('<message>'))
    .message.replace(`${failures.unexpected('<message>').message} `, '')
    .replace(failures.unexpected('<message>').whatHappened, '<whatHappened>');
  const quoted = [...textOf('docs/errors.md').matchAll(/^> `(.+)`$/gm)].map(([, message = '']) => message);

  test.each(messages)('has the failure %s, word for word', (_name, message) => {
    // As a code span: outside of one, angle brackets are HTML.
    expect(message).not.toContain('`');
    expect(quoted).toContain(message);
  });

  test('has what a failure adds when something could not be undone', () => {
    expect(quoted).toContain(remains);
  });

  test('has nothing else, and nothing twice', () => {
    expect([...quoted].sort()).toEqual([...messages.map(([, message]) => message), remains].sort());
  });
});

describe('the guides’ TypeScript', () => {
  const docstrings = new Map(publicClasses().map(({ name, example }) => [name, example]));
  const examples = [
    ...GUIDES.flatMap((guide) => blocksOf(textOf(guide), 'ts')),
    ...[...docstrings.values()].map(withImports),
  ];
  const broken = examples[0]?.replace('{ user: bob }', '{ user: bob, phone: true }') ?? '';
  let problems: readonly Problem[] = [];

  beforeAll(async () => {
    problems = await problemsOf([...examples, broken]);
  });

  test.each([...docstrings.keys()])('is there for the class %s', (name) => {
    expect(docstrings.get(name)).toContain(name);
  });

  test('is there, and imports the package by its name', () => {
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(example).toContain(`from '${PACKAGE.name}'`);
  });

  test('type-checks against the library', () => {
    expect(problems.filter(({ code }) => code !== broken)).toEqual([]);
  });

  test('would not pass with a property that the library does not have', () => {
    const message: unknown = expect.stringContaining("'phone' does not exist in type 'VirtualMfaDeviceProps'");

    expect(problems.filter(({ code }) => code === broken)).toEqual([{ code: broken, message }]);
  });
});

// test/languages/ compares what these examples synthesize.
test.each([
  ['ts', 'examples/one-user.ts'],
  ['python', 'examples/python/one_user.py'],
  ['java', 'examples/java/src/main/java/com/example/OneUser.java'],
  ['go', 'examples/go/one-user/main.go'],
])('README’s first example, in %s, is %s', (language, example) => {
  expect(blocksOf(README, language)[0]).toBe(textOf(example));
});

describe.each([
  [
    'README.md',
    'Properties',
    [
      ...propertiesOf('VirtualMfaDeviceProps', 'lib/virtual-mfa-device.ts'),
      ...propertiesOf('VirtualMfaDeviceOptions', 'lib/virtual-mfa-device-options.ts'),
    ],
  ],
  ['docs/enforcing.md', 'Properties', propertiesOf('MfaEnforcementPolicyProps', 'lib/mfa-enforcement-policy.ts')],
  ['docs/watch.md', 'Properties', propertiesOf('VirtualMfaWatchProps', 'lib/virtual-mfa-watch.ts')],
])('the table in %s, under "%s",', (page, heading, properties) => {
  const rows = [...sectionOf(textOf(page), heading).matchAll(/^\| `(\w+)` \|(.+)\|$/gm)];

  test('has every property of the construct, in its order, and no other', () => {
    expect(rows.map(([, name]) => name)).toEqual(properties.map(({ name }) => name));
  });

  test('says which ones are required', () => {
    const required = rows.filter(([, , cells = '']) => cells.includes('| required |')).map(([, name]) => name);

    expect(required).toEqual(properties.filter(({ isOptional }) => !isOptional).map(({ name }) => name));
  });
});

describe('the page on the virtual-mfa command', () => {
  const section = textOf('docs/virtual-mfa.md');
  const { commands } = programFor({
    terminal: { output: process.stdout, messages: process.stderr, outputStats: () => undefined },
    input: process.stdin,
    clock: systemClock,
    signal: new AbortController().signal,
    version: '',
  });
  const common = ['--profile <name>', '--region <region>', '--json'];

  test('has every command with its options, and no other', () => {
    const rows = [...section.matchAll(/^\| `([a-z]+)` \| .+ \| (.*) ?\|$/gm)].filter(
      ([, , cell = '']) => !cell.includes('iam:'),
    );
    const options = rows.map(([, name, cell = '']) => [
      name,
      [...cell.matchAll(/`(--[^`]+)`/g)].map(([, flags]) => flags),
    ]);

    expect(options).toEqual(
      commands.map((command) => [
        command.name(),
        command.options.map(({ flags }) => flags).filter((flags) => !common.includes(flags)),
      ]),
    );
    for (const flags of common) expect(section).toContain(`\`${flags.split(' ')[0] ?? ''}`);
  });

  test('has every exit code with its meaning', () => {
    const rows = [...section.matchAll(/^\| (\d+) \| (.+) \|$/gm)].map(([, code, meaning]) => [Number(code), meaning]);

    expect(rows).toEqual([[0, 'done'], ...Object.values(EXIT_CODES).map(({ code, meaning }) => [code, meaning])]);
  });

  test('lets npx fetch no package of the command’s name', () => {
    const guides = GUIDES.map(textOf).join('\n');
    expect(guides).toContain('npx --no virtual-mfa ');
    expect(guides).not.toMatch(/npx (?!--no )[^`\n]*virtual-mfa/);
  });

  test.each([...PAGES, ...sourcesIn('bin/virtual-mfa'), ...sourcesIn('bin/mfa-users')])(
    'a command in %s can be copied: npx downloads nothing for it',
    (file) => {
      const names = commands.map((command) => command.name()).join('|');
      const bare = new RegExp(String.raw`(?<!npx --no |node_modules/\.bin/)virtual-mfa (?:${names})\b.*`, 'g');

      expect(textOf(file).match(bare) ?? []).toEqual([]);
    },
  );

  test('calls commands that there are', () => {
    const called = [
      ...GUIDES.map(textOf)
        .join('\n')
        .matchAll(/(?:npx --no |= |`)virtual-mfa ([a-z]+)/g),
    ].map(([, name = '']) => name);
    const names = commands.map((command) => command.name());

    expect(called.length).toBeGreaterThan(names.length);
    expect(called.filter((name) => !names.includes(name))).toEqual([]);
  });
});

test('the page on parts has every command, every workflow, and what a function of the stack is given', () => {
  const page = textOf('docs/which-parts-run-where.md');
  const declaration = textOf('lib/private/bundled-function.ts');
  const [, memory = ''] = /memorySize: (\d+)/.exec(declaration) ?? [];
  const [, node = ''] = /NODEJS_(\d+)_X/.exec(declaration) ?? [];

  for (const name of readdirSync(join(ROOT, 'bin/virtual-mfa/commands'))) {
    if (name !== 'command.ts') expect(page).toContain(`| \`${name.replace('.ts', '')}\` | `);
  }
  for (const name of readdirSync(join(ROOT, '.github/workflows'))) expect(page).toContain(`| \`${name}\`, `);
  expect(page).toContain(`Node ${node} on Lambda runs it, outside any VPC, with ${memory} MB`);
  expect(textOf('lib/private/virtual-mfa-device-provider.ts')).toContain('Duration.minutes(5)');
  expect(page).toContain('at most five minutes');
});

describe('the page on users in a file', () => {
  const section = textOf('docs/users-file.md');
  const { Users, ...others } = schema.properties;
  const { properties, required } = Users.items;

  test('has every key of a user, in the schema’s order, and says which are required', () => {
    const rows = [...section.matchAll(/^\| `([A-Z]\w+)` \|(.+)\|$/gm)];

    expect(rows.map(([, name]) => name).sort()).toEqual(Object.keys(properties).sort());
    expect(rows.filter(([, , cells = '']) => cells.includes('| required ')).map(([, name]) => name)).toEqual(required);
  });

  test.each(Object.keys(others))('explains the key %s of the document', (name) => {
    expect(section).toContain(name === '$schema' ? 'With `$schema`, ' : `\n- \`${name}\` `);
  });

  test('shows a document that can be deployed, and an error word for word', () => {
    const [example = ''] = blocksOf(section, 'json');
    const [error = ''] = blocksOf(section, 'text');
    const broken = '{\n"Users": [\n{"UserName":"a"},\n\n{"UserName":"b"},\n\n     {"UserName": "Bob Smith"}]}';

    expect(readMfaUsersDocument('mfa-users.json', example).Users.map(({ UserName }) => UserName)).toEqual([
      'Alice',
      'Bob',
    ]);
    expect(() => readMfaUsersDocument('mfa-users.json', broken)).toThrow(error.trim());
  });
});

test('README’s picture is drawn from docs/architecture.dot: npm run docs:architecture draws it anew', async () => {
  const options = { cwd: ROOT, preferLocal: true, stripFinalNewline: false };
  const { stdout: drawn } = await execa('wasm-graphviz-cli', ['docs/architecture.dot'], options);

  expect(README).toContain('](docs/architecture.svg)');
  expect(textOf('docs/architecture.svg')).toBe(drawn);
});

test('the page on performance states the size of the function’s bundle, to within a twentieth', () => {
  const [, stated = ''] = /The bundle has about (\d+) kB/.exec(textOf('docs/performance.md')) ?? [];
  const kilobytes = statSync(join(ROOT, 'dist/handler/index.js')).size / 1000;

  expect(Number(stated) / kilobytes).toBeGreaterThan(0.95);
  expect(Number(stated) / kilobytes).toBeLessThan(1.05);
});

test('README states the newest aws-cdk-lib that was tried', () => {
  expect(README).toContain(`the newest one tried, ${PACKAGE.devDependencies?.['aws-cdk-lib']};`);
});

test('README states the oldest aws-cdk-lib that the package takes', () => {
  const [, floor = ''] = /^\^(\d+\.\d+\.\d+)$/.exec(PACKAGE.peerDependencies?.['aws-cdk-lib'] ?? '') ?? [];

  expect(floor).not.toBe('');
  expect(README).toContain(`\`aws-cdk-lib\` ${floor} or newer`);
});

describe('README’s badges', () => {
  const badges = [...README.matchAll(/\[!\[[^\]]+\]\((\S+)\)\]\((\S+)\)/g)].map(([, picture = '', link = '']) => ({
    picture,
    link,
  }));
  const repository = PACKAGE.repository?.url.replace(/\.git$/, '') ?? '';

  test('are of this repository, and of workflows that there are', () => {
    const [checks, scorecard] = badges;
    const workflow = /^(\S+)\/actions\/(workflows\/[\w-]+\.yml)\/badge\.svg$/.exec(checks?.picture ?? '');

    expect(workflow?.[1]).toBe(repository);
    expect(existsSync(join(ROOT, '.github', workflow?.[2] ?? ''))).toBe(true);
    expect(scorecard?.picture).toBe(`https://api.scorecard.dev/projects/${repository.replace('https://', '')}/badge`);
    expect(textOf('.github/workflows/scorecard.yml')).toContain('publish_results: true');
  });

  test('state the stability and the license that package.json has, and nothing that is not published', () => {
    const [, , stability, license, ...others] = badges;

    expect(stability?.picture).toContain(`/stability-${PACKAGE.stability}-`);
    expect(license?.picture).toContain(`/license-${PACKAGE.license?.replace('-', '--')}-`);
    expect(others).toEqual([]);
  });
});

test('README, package.json and the workflows name the same versions of Node', () => {
  const matrix = /node: \[(.+)\]/.exec(textOf('.github/workflows/checks.yml'))?.[1]?.split(', ') ?? [];
  const [oldest = '', ...newer] = matrix;

  expect(newer.length).toBeGreaterThan(0);
  expect(README).toContain(`| Node | ${matrix.slice(0, -1).join(', ')} and ${matrix.at(-1)}, `);
  expect(PACKAGE.engines?.node).toBe(`>=${oldest}`);
  expect(PACKAGE.devDependencies?.['@types/node']).toMatch(new RegExp(`^${oldest}\\.`));
});

test('CONTRIBUTING gives a line to every dependency, and to no other package', () => {
  const dependencies = [PACKAGE, LOCAL_AWS, INTEG, PUBLIB].flatMap((manifest) =>
    Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
      ...manifest.peerDependencies,
    }),
  );
  const explained = [...sectionOf(CONTRIBUTING, 'Dependencies').matchAll(/^- (`[^:]+`):/gm)].flatMap(([, names = '']) =>
    [...names.matchAll(/`([^`]+)`/g)].map(([, name]) => name),
  );

  expect([...new Set(explained)].sort()).toEqual([...new Set(dependencies)].sort());
});

test.each(PAGES)('links in %s lead somewhere', (file) => {
  const broken = [...textOf(file).matchAll(/\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)/g)].filter(
    ([, path = '', anchor]) => {
      const target = path === '' ? file : join(dirname(file), path);
      return !existsSync(join(ROOT, target)) || (anchor !== undefined && !headingsOf(textOf(target)).includes(anchor));
    },
  );

  expect(broken.map(([link]) => link)).toEqual([]);
});

function markdownIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

function sourcesIn(folder: string): string[] {
  const names = readdirSync(join(ROOT, folder), { encoding: 'utf8', recursive: true });
  return names.filter((name) => name.endsWith('.ts')).map((name) => `${folder}/${name}`);
}

function textOf(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function manifestOf(path: string): Manifest {
  return JSON.parse(textOf(path)) as Manifest;
}

/** The fenced code blocks of a language, whatever tools are told behind its name. */
function blocksOf(markdown: string, language: string): string[] {
  return [...markdown.matchAll(/^```(\w+)(?: \w+)?\n(.*?)^```$/gms)]
    .filter(([, blockLanguage]) => blockLanguage === language)
    .map(([, , code = '']) => code);
}

/** The text under a heading of the second level. */
function sectionOf(markdown: string, heading: string): string {
  const [, section] = markdown.split(`\n## ${heading}\n`);
  return section?.split('\n## ')[0] ?? '';
}

/** The anchors of a document's headings, as GitHub makes them. */
function headingsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );
}

/** What the compiler says of an example, or of a file of the library. */
interface Problem {
  readonly code: string | undefined;
  readonly message: string;
}

/** What the compiler says of examples that import the package by its name, each in a file of its own. */
async function problemsOf(examples: readonly string[]): Promise<Problem[]> {
  const folder = mkdtempSync(join(tmpdir(), 'virtual-mfa-examples-'));
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const codeOf = new Map(examples.map((code, index) => [`example-${index + 1}.ts`, code]));
    for (const [file, code] of codeOf) writeFileSync(join(folder, file), code);
    const { errors } = await checkTypes(folder, {
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: { paths: { [PACKAGE.name]: [join(ROOT, 'lib/index.ts')] } },
      files: [...codeOf.keys()],
      include: [],
    });
    return errors.map(({ file = '', message }) => ({ code: codeOf.get(file), message: `${file}: ${message}` }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The classes that the library exports, with the examples in their docstrings. */
function publicClasses(): { readonly name: string; readonly example: string }[] {
  const files = readdirSync(join(ROOT, 'lib')).filter((file) => file.endsWith('.ts'));
  const statements = files.flatMap((file) => [
    ...ts.createSourceFile(file, textOf(`lib/${file}`), ts.ScriptTarget.ES2022, true).statements,
  ]);
  return statements
    .filter((statement) => ts.isClassDeclaration(statement))
    .map((statement) => {
      const tag = ts.getJSDocTags(statement).find(({ tagName }) => tagName.text === 'example');
      return { name: statement.name?.text ?? '', example: ts.getTextOfJSDocComment(tag?.comment) ?? '' };
    });
}

/** An example in a docstring leaves out what every example imports: jsii-rosetta adds it, too. */
function withImports(example: string): string {
  const isUsed = (name: string) => new RegExp(`\\b${name}\\b`).test(example);
  const used = (names: string) => names.split(', ').filter(isUsed).join(', ');
  return textOf('rosetta/default.ts-fixture')
    .replaceAll(/^import \* as (\w+) .+\n/gm, (line, name: string) => (isUsed(name) ? line : ''))
    .replaceAll(/\{ (.+) \}/g, (_braces, names: string) => `{ ${used(names)} }`)
    .replace('/// here', example);
}

/** The properties of an interface, in their order. */
function propertiesOf(interfaceName: string, path: string): { name: string; isOptional: boolean }[] {
  return ts
    .createSourceFile(path, textOf(path), ts.ScriptTarget.ES2022, true)
    .statements.filter((statement) => ts.isInterfaceDeclaration(statement))
    .filter(({ name }) => name.text === interfaceName)
    .flatMap(({ members }) => members.filter((member) => ts.isPropertySignature(member)))
    .map(({ name, questionToken }) => ({ name: name.getText(), isOptional: questionToken !== undefined }));
}

import type { FunctionCode, LambdaService } from '../../lambda/lambda-service';
import type { FunctionConfiguration } from '../../lambda/function-configuration';
import { notImplemented } from '../../protocol/aws-error';
import type { TypeProvider } from '../provider';
import { begun, changed, ignoringAbsence, optionalStructure, optionalText, pick, tagsOf, text } from './properties';

type Properties = Readonly<Record<string, unknown>>;

/** What CloudFormation does to functions, besides invoking them. */
export type Functions = Pick<
  LambdaService,
  | 'createFunction'
  | 'updateCode'
  | 'updateConfiguration'
  | 'deleteFunction'
  | 'createAlias'
  | 'deleteAlias'
  | 'addPermission'
  | 'removePermission'
>;

/** `AWS::Lambda::Function` */
export function lambdaFunction(lambda: Functions): TypeProvider {
  return {
    takes: [
      'FunctionName',
      'Architectures',
      'Code',
      'Description',
      'Environment',
      'Handler',
      'LoggingConfig',
      'MemorySize',
      'Role',
      'Runtime',
      'Tags',
      'Timeout',
    ],
    nameProperty: 'FunctionName',
    create: async (change) => {
      const name = optionalText(change.properties, 'FunctionName') ?? change.physicalName(64);
      const arn = await lambda.createFunction(configurationOf(name, change.properties), codeOf(change.properties));
      return begun(change, name, { Arn: arn });
    },
    update: async (change) => {
      const { physicalId, properties } = change;
      if (changed(change, 'Code')) await lambda.updateCode(physicalId, codeOf(properties));
      const others = Object.keys({ ...properties, ...change.oldProperties }).filter((name) => name !== 'Code');
      if (changed(change, ...others)) await lambda.updateConfiguration(configurationOf(physicalId, properties));
      return { physicalId };
    },
    delete: async ({ physicalId }) => ignoringAbsence(() => lambda.deleteFunction(physicalId)),
  };
}

/** `AWS::Lambda::Alias` */
export function lambdaAlias(lambda: Functions): TypeProvider {
  return {
    takes: ['FunctionName', 'Name', 'Description', 'FunctionVersion'],
    nameProperty: 'Name',
    create: async (change) => {
      refuseOtherVersions(change.properties);
      const arn = lambda.createAlias(text(change.properties, 'FunctionName'), text(change.properties, 'Name'));
      return begun(change, arn, { AliasArn: arn });
    },
    update: async ({ physicalId, properties }) => {
      refuseOtherVersions(properties);
      return { physicalId };
    },
    delete: async ({ physicalId }) => lambda.deleteAlias(physicalId),
  };
}

/** `AWS::Lambda::Permission`: a statement in the resource policy of a function or an alias. */
export function lambdaPermission(lambda: Functions): TypeProvider {
  return {
    takes: ['Action', 'FunctionName', 'Principal', 'SourceAccount', 'SourceArn'],
    create: async (change) => {
      const { properties } = change;
      const StatementId = change.physicalName(100);
      lambda.addPermission(text(properties, 'FunctionName'), {
        StatementId,
        Action: text(properties, 'Action'),
        Principal: text(properties, 'Principal'),
        ...pick(properties, 'SourceAccount', 'SourceArn'),
      });
      return begun(change, StatementId, { Id: StatementId });
    },
    update: async ({ physicalId }) => ({ physicalId }),
    delete: async ({ physicalId, properties }) =>
      ignoringAbsence(async () => lambda.removePermission(text(properties, 'FunctionName'), physicalId)),
  };
}

function refuseOtherVersions(properties: Properties): void {
  const version = text(properties, 'FunctionVersion');
  if (version !== '$LATEST') throw notImplemented(`an alias of the version ${version}`);
}

function configurationOf(name: string, properties: Properties): FunctionConfiguration {
  const environment = optionalStructure(properties, 'Environment', ['Variables'])?.Variables ?? {};
  const variables = environment as Properties;
  const logging = optionalStructure(properties, 'LoggingConfig', [
    'LogFormat',
    'LogGroup',
    'ApplicationLogLevel',
    'SystemLogLevel',
  ]);
  return {
    FunctionName: name,
    Runtime: text(properties, 'Runtime'),
    Handler: text(properties, 'Handler'),
    Role: text(properties, 'Role'),
    Environment: Object.fromEntries(Object.keys(variables).map((key) => [key, text(variables, key)])),
    Tags: Object.fromEntries(tagsOf(properties).map(({ Key, Value }) => [Key, Value])),
    ...(properties.Timeout === undefined ? {} : { Timeout: Number(properties.Timeout) }),
    ...(properties.MemorySize === undefined ? {} : { MemorySize: Number(properties.MemorySize) }),
    ...pick(properties, 'Description'),
    ...(logging ? { LoggingConfig: logging } : {}),
  };
}

function codeOf(properties: Properties): FunctionCode {
  const code = optionalStructure(properties, 'Code', ['S3Bucket', 'S3Key', 'ZipFile']) ?? {};
  const source = optionalText(code, 'ZipFile');
  if (source !== undefined) return { source };
  if (code.S3Bucket === undefined) throw notImplemented('function code that is neither in S3 nor in the template');
  return { bucket: text(code, 'S3Bucket'), key: text(code, 'S3Key') };
}

import type { Change, TypeProvider } from '../provider';
import { begun, ignoringAbsence, optionalText, pick, text } from './properties';

/** `AWS::SSM::Parameter` */
export const ssmParameter: TypeProvider = {
  takes: ['Name', 'Type', 'Value', 'Description'],
  nameProperty: 'Name',
  create: async (change) => {
    const Name = optionalText(change.properties, 'Name') ?? change.physicalName(512);
    await putParameter(change, Name, false);
    return begun(change, Name, parameterAttributes(change.properties));
  },
  update: async (change) => {
    await putParameter(change, change.physicalId, true);
    return { physicalId: change.physicalId, attributes: parameterAttributes(change.properties) };
  },
  delete: async ({ account, physicalId: Name }) =>
    ignoringAbsence(() => account.invoke('ssm', 'DeleteParameter', { Name })),
};

async function putParameter(
  { account, properties }: Pick<Change, 'account' | 'properties'>,
  Name: string,
  Overwrite: boolean,
): Promise<void> {
  await account.invoke('ssm', 'PutParameter', {
    Name,
    Overwrite,
    ...pick(properties, 'Type', 'Value', 'Description'),
  });
}

function parameterAttributes(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return { Type: text(properties, 'Type'), Value: text(properties, 'Value') };
}

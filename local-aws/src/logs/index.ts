import type { Account } from '../account';
import { notImplemented } from '../protocol/aws-error';
import { specOf } from '../protocol/spec';
import type { Actions, RpcService } from '../service';
import type { LogStore } from './log-store';

export { LogStore, type LogEvent, type LogGroup } from './log-store';

const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/**
 * CloudWatch Logs, as far as functions' log groups need it.
 *
 * @see https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/Welcome.html
 */
export function logsService(account: Account, store: LogStore): RpcService {
  const groupArn = (name: string) => account.arn('logs', `log-group:${name}`);
  const groupOfArn = (arn: string) => {
    const [, name = ''] = /:log-group:([^:]+)/.exec(arn) ?? [];
    return store.group(name);
  };

  const actions: Actions<'logs'> = {
    CreateLogGroup: {
      takes: ['logGroupName', 'kmsKeyId', 'tags', 'logGroupClass'],
      run: ({ logGroupName: name, kmsKeyId, tags = {}, logGroupClass = 'STANDARD' }) => {
        if (logGroupClass !== 'STANDARD') throw notImplemented(`log groups of the class ${logGroupClass}`);
        store.create(name, { ...(kmsKeyId === undefined ? {} : { kmsKeyId }), tags });
      },
    },
    DeleteLogGroup: {
      takes: ['logGroupName'],
      run: ({ logGroupName: name }) => store.delete(name),
    },
    PutRetentionPolicy: {
      takes: ['logGroupName', 'retentionInDays'],
      run: ({ logGroupName: name, retentionInDays }) => {
        if (!RETENTION_DAYS.includes(retentionInDays)) {
          throw notImplemented(
            `a retention of ${retentionInDays} days: CloudWatch Logs knows ${String(RETENTION_DAYS)}`,
          );
        }
        store.group(name).retentionInDays = retentionInDays;
      },
    },
    DeleteRetentionPolicy: {
      takes: ['logGroupName'],
      run: ({ logGroupName: name }) => {
        delete store.group(name).retentionInDays;
      },
    },
    FilterLogEvents: {
      takes: ['logGroupName', 'logStreamNames', 'startTime', 'endTime', 'filterPattern', 'interleaved', 'limit'],
      run: ({
        logGroupName: name = '',
        logStreamNames,
        startTime = 0,
        endTime = Infinity,
        filterPattern,
        limit = 10_000,
      }) => {
        const term = filterTerm(filterPattern ?? '');
        const events = store
          .group(name)
          .events.filter(({ stream }) => logStreamNames?.includes(stream) ?? true)
          .filter(({ timestamp, message }) => timestamp >= startTime && timestamp <= endTime && message.includes(term))
          .slice(0, limit)
          .map(({ timestamp, stream, message }, index) => ({
            eventId: String(index),
            timestamp,
            ingestionTime: timestamp,
            logStreamName: stream,
            message,
          }));
        return { events, searchedLogStreams: [] };
      },
    },
    TagResource: {
      takes: ['resourceArn', 'tags'],
      run: ({ resourceArn, tags }) => {
        const group = groupOfArn(resourceArn);
        group.tags = { ...group.tags, ...tags };
      },
    },
    UntagResource: {
      takes: ['resourceArn', 'tagKeys'],
      run: ({ resourceArn, tagKeys }) => {
        const group = groupOfArn(resourceArn);
        group.tags = Object.fromEntries(Object.entries(group.tags).filter(([key]) => !tagKeys.includes(key)));
      },
    },
  };
  return {
    name: 'logs',
    protocol: 'json',
    namespace: 'Logs_20140328.',
    spec: specOf('logs'),
    echoesValues: true,
    actions,
    authorize: (name, input) => {
      const { logGroupName = '', resourceArn } = input as {
        readonly logGroupName?: string;
        readonly resourceArn?: string;
      };
      return { action: `logs:${name}`, resource: resourceArn ?? `${groupArn(logGroupName)}:*` };
    },
  };
}

/** Filter patterns of one term, quoted or not; the pattern language beyond it fails loudly. */
function filterTerm(pattern: string): string {
  const [, quoted, word] = /^(?:"([^"]*)"|([\w./:=-]*))$/.exec(pattern) ?? [];
  const term = quoted ?? word;
  if (term === undefined) throw notImplemented(`the filter pattern ${pattern}`);
  return term;
}

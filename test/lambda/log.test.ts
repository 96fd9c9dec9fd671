import { describe, expect, it } from 'vitest';
import { jsonLog, type LogFields } from '../../lambda/log';

function logged(fields?: LogFields, message = 'aws call'): { lines: string[]; parsed: Record<string, unknown> } {
  const lines: string[] = [];
  jsonLog('request-1', (line) => lines.push(line)).info(message, fields);
  return { lines, parsed: JSON.parse(lines.join('')) as Record<string, unknown> };
}

describe('a log line', () => {
  it('is one line of JSON with time, level, request and message', () => {
    const { lines, parsed } = logged(undefined, 'two\nlines');

    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\n]+\n$/);
    expect(Object.keys(parsed)).toEqual(['timestamp', 'level', 'requestId', 'message']);
    expect(parsed).toMatchObject({ level: 'INFO', requestId: 'request-1', message: 'two\nlines' });
    expect(parsed['timestamp']).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it('has the level ERROR for an error', () => {
    const lines: string[] = [];
    jsonLog('request-1', (line) => lines.push(line)).error('failed', { error: 'Throttling' });
    expect(JSON.parse(lines.join(''))).toMatchObject({ level: 'ERROR', message: 'failed', error: 'Throttling' });
  });

  it('has the fields it was given, those that are undefined left out', () => {
    const { parsed } = logged({ action: 'iam:EnableMFADevice', attempt: 0, error: undefined });

    expect(parsed).toMatchObject({ action: 'iam:EnableMFADevice', attempt: 0 });
    expect(parsed).not.toHaveProperty('error');
  });

  it('has no field that is not on the list, even where the compiler was got around', () => {
    const event = { seed: 'JBSWY3DPEHPK3PXP', ResponseURL: 'https://signed', codes: ['123456'], action: 'iam:Nothing' };

    const { lines, parsed } = logged(event);

    expect(Object.keys(parsed)).toEqual(['timestamp', 'level', 'requestId', 'message', 'action']);
    expect(lines.join('')).not.toMatch(/JBSWY3DP|signed|123456/);
  });

  it('has short texts only, and neither lists nor objects', () => {
    const long = 'x'.repeat(200_000);
    const fields = { reason: long, physicalResourceId: [long], userName: { seed: long } } as unknown as LogFields;

    const { lines, parsed } = logged(fields, long);

    expect(Object.keys(parsed)).toEqual(['timestamp', 'level', 'requestId', 'message', 'reason']);
    expect(lines.join('').length).toBeLessThan(5_000);
  });

  it('cannot be made to overwrite its own fields', () => {
    const { parsed } = logged({ level: 'NONE', requestId: 'forged', message: 'forged' } as LogFields);

    expect(parsed).toMatchObject({ level: 'INFO', requestId: 'request-1', message: 'aws call' });
  });
});

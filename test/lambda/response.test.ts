import fc from 'fast-check';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../lambda/contract/clock';
import { type CustomResourceResponse, renderResponse, sendResponse } from '../../lambda/custom-resource/response';

const FAILED: CustomResourceResponse = {
  Status: 'FAILED',
  StackId: 'arn:aws:cloudformation:us-east-1:123456789012:stack/users/8f5c2a10-aaaa-bbbb-cccc-0123456789ab',
  RequestId: '6a7c1c3e-0000-4000-8000-000000000001',
  LogicalResourceId: 'BobMfa',
  PhysicalResourceId: 'arn:aws:iam::123456789012:mfa/bob-0123456789',
};

function rendered(Reason: string): { bytes: number; parsed: CustomResourceResponse } {
  const body = renderResponse({ ...FAILED, Reason });
  return { bytes: body.length, parsed: JSON.parse(body.toString('utf8')) as CustomResourceResponse };
}

describe('an answer', () => {
  it('is never longer than CloudFormation takes, and always JSON, whatever the reason', () => {
    const anyReason = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6_000, size: 'max' }),
      fc.string({ unit: 'grapheme', maxLength: 6_000, size: 'max' }),
      fc.tuple(fc.string({ minLength: 1, maxLength: 4 }), fc.nat(9_000)).map(([text, times]) => text.repeat(times)),
      fc.tuple(fc.constantFrom('\u0000', '"', '\\', '字', '👩‍🚀', '\ud800'), fc.nat(9_000)).map(([c, n]) => c.repeat(n)),
    );
    fc.assert(
      fc.property(anyReason, (reason) => {
        const { bytes, parsed } = rendered(reason);
        expect(bytes).toBeLessThanOrEqual(4096);
        expect({ ...parsed, Reason: undefined }).toEqual({ ...FAILED, Reason: undefined });
      }),
    );
  });

  it('says a reason that fits in full', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (reason) => {
        expect(rendered(reason).parsed.Reason).toBe(reason);
      }),
    );
  });

  it('says as much of a long reason as fits, and shows that it was cut', () => {
    const { bytes, parsed } = rendered('x'.repeat(10_000));

    expect(parsed.Reason).toMatch(/^x+…$/);
    expect(bytes).toBeGreaterThan(4_000);
  });

  it('says as much of a long reason in any script', () => {
    const { bytes, parsed } = rendered(`The property Tags is ${'字'.repeat(5_000)}; allowed: …`);

    expect(parsed.Reason).toMatch(/^The property Tags is 字+…$/);
    expect(bytes).toBeGreaterThan(3_000);
  });

  it('has no reason where there is none', () => {
    expect(JSON.parse(renderResponse(FAILED).toString('utf8'))).not.toHaveProperty('Reason');
  });
});

describe('the sending of an answer', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const server of opened.splice(0)) await server.close();
  });

  interface Received {
    readonly method: string | undefined;
    readonly contentType: string | undefined;
    readonly url: string | undefined;
    readonly body: string;
  }

  /** A response URL that answers one status after the other, the last one for good; 0 breaks the connection. */
  async function responseUrl(...statuses: readonly number[]): Promise<{ url: string; received: Received[] }> {
    const received: Received[] = [];
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const status = statuses[received.length] ?? statuses.at(-1) ?? 200;
        received.push({
          method: request.method,
          contentType: request.headers['content-type'],
          url: request.url,
          body: Buffer.concat(chunks).toString('utf8'),
        });
        if (status === 0) request.socket.destroy();
        else response.writeHead(status).end();
      });
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    opened.push({
      close: async () => {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        server.closeAllConnections();
        await closed;
      },
    });
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?X-Amz-Signature=a%2Fb`, received };
  }

  function recordingClock(): { clock: Clock; pauses: number[] } {
    const pauses: number[] = [];
    return { clock: { now: () => 0, sleep: async (milliseconds) => void pauses.push(milliseconds) }, pauses };
  }

  it('PUTs it once, with an empty content type, to the URL as it was given', async () => {
    const { url, received } = await responseUrl(200);
    const { clock, pauses } = recordingClock();

    await sendResponse(url, FAILED, clock);

    expect(received).toEqual([
      { method: 'PUT', contentType: '', url: '/answer?X-Amz-Signature=a%2Fb', body: JSON.stringify(FAILED) },
    ]);
    expect(pauses).toEqual([]);
  });

  it('is tried again after an error and after a broken connection, with longer and longer pauses', async () => {
    const { url, received } = await responseUrl(503, 0, 500, 200);
    const { clock, pauses } = recordingClock();

    await sendResponse(url, FAILED, clock);

    expect(received).toHaveLength(4);
    expect(new Set(received.map(({ body }) => body)).size).toBe(1);
    expect(pauses).toEqual([250, 500, 1_000]);
  });

  it('is given up after six tries, so that Lambda runs the event again; the error does not show the signed URL', async () => {
    const { url, received } = await responseUrl(403);
    const { clock, pauses } = recordingClock();

    const failure = await sendResponse(url, FAILED, clock).catch((error: unknown) => error);

    expect(failure).toBeInstanceOf(Error);
    expect(String(failure)).toContain('403');
    expect(String(failure)).not.toContain('X-Amz-Signature');
    expect(received).toHaveLength(6);
    expect(pauses).toHaveLength(5);
  });
});

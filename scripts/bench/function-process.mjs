import { Buffer } from 'node:buffer';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import process from 'node:process';

// Loads the function's bundle, and sends it events one after the other. After each it makes a bare SDK call, if it is told a user.
const [bundle, eventsJson, userName] = process.argv.slice(2);
const require = createRequire(import.meta.url);

let answer;
let answeredAt;
const server = createServer(async (request, response) => {
  const chunks = await request.toArray();
  answeredAt = performance.now();
  response.end();
  answer = JSON.parse(Buffer.concat(chunks).toString());
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const began = performance.now();
const { handler } = require(bundle);
const load = performance.now() - began;
const bareCall = userName === undefined ? async () => undefined : await bareCaller();

const context = { awsRequestId: 'bench', getRemainingTimeInMillis: () => 300_000 };
const runs = [];
for (const { idOf, ...event } of JSON.parse(eventsJson)) {
  event.ResponseURL = `http://127.0.0.1:${server.address().port}/${event.ResponseURL}`;
  // An Update and a Delete name the device by the id that the answer to an earlier event gave.
  if (idOf !== undefined) event.PhysicalResourceId = runs[idOf].physicalResourceId;
  const [sent, sentAt] = [Date.now(), performance.now()];
  await handler(event, context);
  if (answer?.Status !== 'SUCCESS') throw new Error(`The function answered ${JSON.stringify(answer)}`);
  const { PhysicalResourceId: physicalResourceId } = answer;
  const run = { physicalResourceId, sent, answered: Date.now(), milliseconds: answeredAt - sentAt };
  runs.push({ ...run, bareCall: await bareCall() });
}
server.closeAllConnections();
server.close();
// Last, because the function's log goes to the standard output too.
process.stdout.write(`\n${JSON.stringify({ load, runs })}`);

async function bareCaller() {
  const { IAMClient, ListMFADevicesCommand } = require('@aws-sdk/client-iam');
  const iam = new IAMClient({ maxAttempts: 1 });
  const call = async () => {
    const callBegan = performance.now();
    await iam.send(new ListMFADevicesCommand({ UserName: userName }));
    return performance.now() - callBegan;
  };
  await call();
  return call;
}

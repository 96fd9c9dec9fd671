import { startLocalAws } from './index';

/** `npm run local-aws`: the account alone, until it is told to end. */
async function main(): Promise<void> {
  const localAws = await startLocalAws({ port: Number(process.env.PORT ?? 0) });
  const exports = Object.entries(localAws.environment).map(([name, value]) => `export ${name}=${value}`);
  process.stdout.write(`An AWS account listens on ${localAws.url}. In another shell:

unset AWS_PROFILE AWS_SESSION_TOKEN
${exports.join('\n')}

Then, for example:

npx cdk deploy
aws iam list-virtual-mfa-devices
aws iam create-access-key --user-name Bob    # GetSessionToken wants the device's own user

The functions that you deploy run as you, with your files: keep the access key to yourself.
Ctrl-C ends it; nothing is kept.
`);
  // As precise as AWS.
  const clock = setInterval(() => {
    void localAws.scheduler.runDue();
    void localAws.secretsManager.rotateDue();
  }, 60_000);
  await new Promise<void>((ended) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended());
  });
  clearInterval(clock);
  await localAws.close();
}

void main();

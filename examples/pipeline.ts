import { App, aws_codecommit as codecommit, aws_iam as iam, Mixins, Stack, Stage, type StageProps } from 'aws-cdk-lib';
import { CodePipeline, CodePipelineSource, ShellStep } from 'aws-cdk-lib/pipelines';
import { VirtualMfa } from 'cdk-iam-virtual-mfa';
import { type Construct } from 'constructs';

// CDK Pipelines: a push to main deploys devices for the users of two accounts. Nobody needs to enter a code.
class UsersStage extends Stage {
  public constructor(scope: Construct, id: string, props: StageProps) {
    super(scope, id, props);
    const stack = new Stack(this, 'Users');
    for (const userName of ['Alice', 'Bob']) {
      new iam.User(stack, userName, { userName });
    }
    Mixins.of(this).apply(new VirtualMfa({ rotationId: '2026-01' }));
  }
}

const app = new App();
const region = 'eu-west-1';
const stack = new Stack(app, 'Pipeline', { env: { account: '111111111111', region } });
const repository = codecommit.Repository.fromRepositoryName(stack, 'Repository', 'users');

const pipeline = new CodePipeline(stack, 'Pipeline', {
  crossAccountKeys: true,
  synth: new ShellStep('Synth', {
    input: CodePipelineSource.codeCommit(repository, 'main'),
    commands: ['n 22', 'npm ci', 'npx cdk synth'],
  }),
});
pipeline.addStage(new UsersStage(app, 'Test', { env: { account: '222222222222', region } }));
pipeline.addStage(new UsersStage(app, 'Production', { env: { account: '333333333333', region } }));

app.synth();

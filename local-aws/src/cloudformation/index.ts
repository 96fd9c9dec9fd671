import type { Account } from '../account';
import type { LambdaService } from '../lambda/lambda-service';
import { specOf } from '../protocol/spec';
import type { HttpRoute } from '../server';
import type { Schedules } from '../scheduler';
import type { RpcService } from '../service';
import { changeSetActions } from './actions/change-set-actions';
import { readingActions } from './actions/reading-actions';
import { stackActions } from './actions/stack-actions';
import { CloudFormation } from './cloudformation';
import { type CustomResourceObservation, CustomResources } from './custom-resources';
import { resourceProviders } from './providers';
import type { Functions } from './providers/lambda';
import type { StackRegistry } from './stack-registry';

export type { CustomResourceEvent, CustomResourceObservation } from './custom-resources';

/** What CloudFormation needs of the rest of the account. */
export interface CloudFormationSettings {
  readonly lambda: Functions & Pick<LambdaService, 'hasFunction' | 'invokeAsync'>;
  readonly scheduler: Schedules;
  readonly readObject: (bucket: string, key: string) => Buffer;
  /** Url of the running server. */
  readonly endpoint: () => string;
  /** As LocalAwsOptions has it. */
  readonly describesStacksAtRest?: boolean;
}

/** CloudFormation as the account sees it, and what a test may do to it. */
export interface CloudFormationService {
  readonly service: RpcService;
  readonly stacks: StackRegistry;
  /** Takes the answers of custom resources. */
  readonly route: HttpRoute;
  /** Tells of every event that is sent to a custom resource, and of every answer. */
  readonly onCustomResourceEvent: (observer: (observation: CustomResourceObservation) => void) => void;
  /** Delivers each of the next events to custom resources twice. */
  readonly duplicateNextCustomResourceEvents: (count: number) => void;
  /** Gives up what runs. */
  readonly close: () => Promise<void>;
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/Welcome.html */
export function cloudFormationService(
  account: Account,
  { lambda, scheduler, readObject, endpoint, describesStacksAtRest = false }: CloudFormationSettings,
): CloudFormationService {
  const customResources = new CustomResources({ lambda, endpoint, now: account.now });
  const cloudFormation = new CloudFormation(
    account,
    { readObject },
    resourceProviders({ lambda, scheduler }, customResources),
  );
  return {
    service: {
      name: 'cloudformation',
      protocol: 'query',
      namespace: 'http://cloudformation.amazonaws.com/doc/2010-05-15/',
      spec: specOf('cloudformation'),
      echoesValues: true,
      actions: {
        ...stackActions(cloudFormation),
        ...changeSetActions(cloudFormation),
        ...readingActions(cloudFormation, describesStacksAtRest),
      },
      authorize: (name, input) => {
        const { StackName = '*' } = input as { readonly StackName?: string };
        const unknown = StackName.startsWith('arn:')
          ? StackName
          : account.arn('cloudformation', `stack/${StackName}/*`);
        return { action: `cloudformation:${name}`, resource: cloudFormation.registry.find(StackName)?.id ?? unknown };
      },
    },
    stacks: cloudFormation.registry,
    route: customResources.route,
    onCustomResourceEvent: (observer) => customResources.observe(observer),
    duplicateNextCustomResourceEvents: (count) => customResources.duplicateNextEvents(count),
    close: async () => {
      customResources.close();
      await cloudFormation.close();
    },
  };
}

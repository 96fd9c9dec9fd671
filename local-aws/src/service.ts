import type { AuthorizationRequest } from './authorization';
import type { LoggedCall } from './call-log';
import type { Principal } from './principal';
import { type Input, type Members, readMembers } from './protocol/members';

/** One request for an action, authenticated, its input still as it came over the wire. */
export interface Call {
  readonly requestId: string;
  /** Who asks. */
  readonly caller: Principal;
  /** Whether CloudFormation asks on behalf of a stack. */
  readonly source: LoggedCall['source'];
}

/** One action of a service: its input's members, what it needs to be allowed, and what it does. */
export interface Action {
  /** What a caller needs to be allowed; every request in the list must be. */
  authorize(input: Readonly<Record<string, unknown>>, call: Call): readonly AuthorizationRequest[];
  /** Answers the output, with members spelled as AWS spells them; undefined where AWS answers no result. */
  run(input: Readonly<Record<string, unknown>>, call: Call): unknown;
}

/** Declares an action; its input is validated against the members before anything else happens. */
export function action<M extends Members>(definition: {
  readonly input: M;
  /** Left out: the action needs no permission (`sts:GetCallerIdentity`). */
  readonly authorize?: (input: Input<M>, call: Call) => AuthorizationRequest | readonly AuthorizationRequest[];
  readonly run: (input: Input<M>, call: Call) => unknown;
}): Action {
  return {
    authorize: (input, call) => {
      const requests = definition.authorize?.(readMembers(definition.input, input), call) ?? [];
      return Array.isArray(requests) ? (requests as AuthorizationRequest[]) : [requests as AuthorizationRequest];
    },
    run: (input, call) => definition.run(readMembers(definition.input, input), call),
  };
}

/** A service that speaks one of the two RPC protocols: a table of actions. */
export interface RpcService {
  /** As in the credential scope of a signature and in policy actions: `iam`. */
  readonly name: string;
  readonly protocol: 'query' | 'json';
  /** Query protocol: the XML namespace of answers. JSON protocol: the prefix of X-Amz-Target. */
  readonly namespace: string;
  readonly actions: Readonly<Record<string, Action>>;
}

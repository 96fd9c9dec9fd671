import type { Inputs } from '../spec/inputs';
import type { AuthorizationRequest } from './authorization';
import type { LoggedCall } from './call-log';
import type { Principal } from './principal';
import type { InputRules } from './protocol/input';

/** One request for an action, authenticated. */
export interface Call {
  readonly requestId: string;
  /** Who asks. */
  readonly caller: Principal;
  /** Whether CloudFormation asks on behalf of a stack. */
  readonly source: LoggedCall['source'];
}

/** One action of a service: which members of its input it knows, what it needs to be allowed, and what it does. */
export interface Action<I = object> {
  /** The members that mean something here; with any other the request fails. */
  readonly takes: readonly string[];
  /** What a caller needs to be allowed, if it is not what the service says of all its actions. */
  authorize?(input: I, call: Call): AuthorizationRequest | readonly AuthorizationRequest[];
  /** Answers the output, with members spelled as AWS spells them; undefined where AWS answers no result. */
  run(input: I, call: Call): unknown;
}

/** The input of an action, as AWS's model has it. */
export type Input<S extends keyof Inputs, A extends keyof Inputs[S]> = Inputs[S][A];

/** Actions of a service, by their names. */
export type Actions<S extends keyof Inputs> = { readonly [A in keyof Inputs[S]]?: Action<Inputs[S][A]> };

/** A service that speaks one of the two RPC protocols: a table of actions. */
export interface RpcService extends InputRules {
  /** As in the credential scope of a signature and in policy actions: `iam`. */
  readonly name: string;
  readonly protocol: 'query' | 'json';
  /** Query protocol: the XML namespace of answers. JSON protocol: the prefix of X-Amz-Target. */
  readonly namespace: string;
  readonly actions: Readonly<Record<string, Action | undefined>>;
  /** What a caller needs to be allowed for an action that says nothing else; left out, nothing (`sts:GetCallerIdentity`). */
  authorize?(action: string, input: object, call: Call): AuthorizationRequest;
}

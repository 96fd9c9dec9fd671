import { fromEnv } from '@aws-sdk/credential-provider-env';

/**
 * Stands in the bundle for the SDK's `@aws-sdk/credential-provider-node`. Lambda gives a function its role's credentials in the
 * environment; the chain's other links (profiles, SSO, web identities, instance metadata, with an STS client of their own) would
 * only be loaded at each cold start.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export const defaultProvider = fromEnv;

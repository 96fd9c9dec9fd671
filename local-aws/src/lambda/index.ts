export { invokeRoute } from './invoke-route';
export { LambdaService, type FunctionCode, type LambdaOptions, type LambdaPorts } from './lambda-service';
export type { FunctionConfiguration, LoggingConfig } from './function-configuration';
export type { Outcome } from './invocation';

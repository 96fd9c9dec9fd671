export { MfaCoverage, type MfaCoverageOptions } from './mfa-coverage';
export { MfaEnforcementPolicy, type MfaEnforcementPolicyProps } from './mfa-enforcement-policy';
export { VirtualMfa } from './virtual-mfa';
export { VirtualMfaDevice, type IVirtualMfaDevice, type VirtualMfaDeviceProps } from './virtual-mfa-device';
export {
  type ExistingVirtualMfaDevice,
  type VirtualMfaDeviceOptions,
  type VirtualMfaDeviceRotation,
} from './virtual-mfa-device-options';
export { VirtualMfaWatch, type VirtualMfaWatchProps } from './virtual-mfa-watch';

export { VirtualMfaDevice, type IVirtualMfaDevice, type VirtualMfaDeviceProps } from './virtual-mfa-device';

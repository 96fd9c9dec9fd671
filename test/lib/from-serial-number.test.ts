import { type aws_iam as iam, CfnParameter, Stack } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';
import { VirtualMfaDevice } from '../../lib';
import { newStack } from './templates';

describe('a device that exists already', () => {
  test.each([
    ['arn:aws:iam::123456789012:mfa/bob', 'bob'],
    ['arn:aws-cn:iam::123456789012:mfa/ops/team/bob@example.com', 'bob@example.com'],
  ])('%s has its name', (serialNumber, name) => {
    const device = VirtualMfaDevice.fromSerialNumber(newStack(), 'Device', serialNumber);

    const reference: iam.IVirtualMFADeviceRef = device;
    expect(device.serialNumber).toBe(serialNumber);
    expect(device.virtualMfaDeviceName).toBe(name);
    expect(reference.virtualMfaDeviceRef).toEqual({ serialNumber });
    expect(device.env.account).toBe('123456789012');
  });

  test('has the region of its stack, for IAM has none', () => {
    const stack = newStack({ env: { account: '123456789012', region: 'eu-west-1' } });
    const device = VirtualMfaDevice.fromSerialNumber(stack, 'Device', 'arn:aws:iam::123456789012:mfa/bob');

    expect(device.env.region).toBe('eu-west-1');
  });

  test('has its name also where partition and account are tokens', () => {
    const stack = newStack();
    const serialNumber = stack.formatArn({ service: 'iam', region: '', resource: 'mfa', resourceName: 'ops/bob' });

    expect(VirtualMfaDevice.fromSerialNumber(stack, 'Device', serialNumber).virtualMfaDeviceName).toBe('bob');
  });

  test('has a name to be cut out at deployment when the serial number is a token', () => {
    const stack = newStack();
    const serialNumber = new CfnParameter(stack, 'Serial').valueAsString;
    const device = VirtualMfaDevice.fromSerialNumber(stack, 'Device', serialNumber);

    expect(stack.resolve(device.serialNumber)).toEqual({ Ref: 'Serial' });
    expect(stack.resolve(device.virtualMfaDeviceName)).toEqual({
      'Fn::Select': [1, { 'Fn::Split': [':mfa/', { Ref: 'Serial' }] }],
    });
  });

  test.each([
    'GAHT12345678',
    'arn:aws:iam::123456789012:user/bob',
    'arn:aws:iam::123456789012:mfa/',
    `arn:aws:iam::123456789012:mfa/${'x'.repeat(227)}`,
  ])('is refused as %s', (serialNumber) => {
    const stack = new Stack();

    expect(() => VirtualMfaDevice.fromSerialNumber(stack, 'Device', serialNumber)).toThrow(
      /^\[Default\] serialNumber: got an? .*text.*; allowed: the ARN of a virtual MFA device, up to 256 characters\. Copy it/,
    );
  });
});

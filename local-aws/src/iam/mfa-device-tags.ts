import type { AuthorizationRequest } from '../authorization';
import type { Actions } from '../service';
import { page, setTags, tagContext, type TagList, tagListOf } from './inputs';
import type { IamState } from './state';

/** Authorizes an action on the device that the input names, with its tags. */
export function onDevice(state: IamState, iamAction: string) {
  return (input: { readonly SerialNumber: string; readonly Tags?: TagList | undefined }): AuthorizationRequest => ({
    action: iamAction,
    resource: input.SerialNumber,
    context: tagContext(input.Tags, state.virtualMfaDevices.get(input.SerialNumber)?.tags),
  });
}

/** The tags of devices, whose keys differ also in case alone. */
export function mfaDeviceTagActions(state: IamState): Actions<'iam'> {
  return {
    TagMFADevice: {
      takes: ['SerialNumber', 'Tags'],
      authorize: onDevice(state, 'iam:TagMFADevice'),
      run: ({ SerialNumber, Tags }) => void setTags(state.device(SerialNumber).tags, Tags, 'case-sensitive'),
    },

    UntagMFADevice: {
      takes: ['SerialNumber', 'TagKeys'],
      authorize: ({ SerialNumber, TagKeys }) => ({
        action: 'iam:UntagMFADevice',
        resource: SerialNumber,
        context: { ...tagContext(undefined, state.virtualMfaDevices.get(SerialNumber)?.tags), 'aws:TagKeys': TagKeys },
      }),
      run: ({ SerialNumber, TagKeys }) => {
        const device = state.device(SerialNumber);
        for (const key of TagKeys) device.tags.delete(key);
      },
    },

    ListMFADeviceTags: {
      takes: ['SerialNumber', 'Marker', 'MaxItems'],
      authorize: onDevice(state, 'iam:ListMFADeviceTags'),
      run: ({ SerialNumber, ...paged }) => {
        const { items, ...rest } = page(tagListOf(state.device(SerialNumber).tags), paged);
        return { Tags: items, ...rest };
      },
    },
  };
}

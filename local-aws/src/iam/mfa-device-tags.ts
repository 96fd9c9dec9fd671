import type { AuthorizationRequest } from '../authorization';
import { type Action, action } from '../service';
import { list, paging, page, serialNumber, setTags, tagContext, tagKey, type TagList, tagListOf, tags } from './inputs';
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
export function mfaDeviceTagActions(state: IamState): Record<string, Action> {
  return {
    TagMFADevice: action({
      input: { SerialNumber: serialNumber, Tags: tags },
      authorize: onDevice(state, 'iam:TagMFADevice'),
      run: ({ SerialNumber, Tags }) => void setTags(state.device(SerialNumber).tags, Tags, 'case-sensitive'),
    }),

    UntagMFADevice: action({
      input: { SerialNumber: serialNumber, TagKeys: list(tagKey) },
      authorize: ({ SerialNumber, TagKeys }) => ({
        action: 'iam:UntagMFADevice',
        resource: SerialNumber,
        context: { ...tagContext(undefined, state.virtualMfaDevices.get(SerialNumber)?.tags), 'aws:TagKeys': TagKeys },
      }),
      run: ({ SerialNumber, TagKeys }) => {
        const device = state.device(SerialNumber);
        for (const key of TagKeys) device.tags.delete(key);
      },
    }),

    ListMFADeviceTags: action({
      input: { SerialNumber: serialNumber, ...paging },
      authorize: onDevice(state, 'iam:ListMFADeviceTags'),
      run: ({ SerialNumber, ...paged }) => {
        const { items, ...rest } = page(tagListOf(state.device(SerialNumber).tags), paged);
        return { Tags: items, ...rest };
      },
    }),
  };
}

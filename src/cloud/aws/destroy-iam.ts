/** Removes one role, user, instance profile or OIDC provider, with what hangs on it and cannot live without it. */

import {
  DeleteAccessKeyCommand,
  DeleteInstanceProfileCommand,
  DeleteOpenIDConnectProviderCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  DetachRolePolicyCommand,
  DetachUserPolicyCommand,
  GetInstanceProfileCommand,
  type IAMClient,
  ListAccessKeysCommand,
  ListAttachedRolePoliciesCommand,
  ListAttachedUserPoliciesCommand,
  ListInstanceProfilesForRoleCommand,
  ListRolePoliciesCommand,
  ListUserPoliciesCommand,
  RemoveRoleFromInstanceProfileCommand,
} from "@aws-sdk/client-iam";
import type { Removal } from "./destroy-ec2.ts";
import { ask, everyPage, given, type Look } from "./look.ts";

interface Cut {
  readonly IsTruncated?: boolean | undefined;
  readonly Marker?: string | undefined;
}

const rest = ({ IsTruncated, Marker }: Cut): string | undefined =>
  IsTruncated === true ? given(Marker || undefined, "Marker") : undefined;

export const IAM_REMOVALS: Readonly<Record<string, Removal<IAMClient>>> = {
  "iam:role": async (look, iam, RoleName) => {
    for (const InstanceProfileName of await profilesOf(look, iam, RoleName)) {
      const leave = new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName });
      await ask(look, (options) => iam.send(leave, options));
    }
    const attached = await everyPage(async (Marker) => {
      const command = new ListAttachedRolePoliciesCommand({ RoleName, Marker });
      const answer = await ask(look, (options) => iam.send(command, options));
      return { items: given(answer.AttachedPolicies, "AttachedPolicies"), next: rest(answer) };
    });
    for (const { PolicyArn } of attached) {
      await ask(look, (options) => iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }), options));
    }
    const inline = await everyPage(async (Marker) => {
      const answer = await ask(look, (options) => iam.send(new ListRolePoliciesCommand({ RoleName, Marker }), options));
      return { items: given(answer.PolicyNames, "PolicyNames"), next: rest(answer) };
    });
    for (const PolicyName of inline) {
      await ask(look, (options) => iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }), options));
    }
    await ask(look, (options) => iam.send(new DeleteRoleCommand({ RoleName }), options));
  },
  "iam:user": async (look, iam, UserName) => {
    const keys = await everyPage(async (Marker) => {
      const answer = await ask(look, (options) => iam.send(new ListAccessKeysCommand({ UserName, Marker }), options));
      return { items: given(answer.AccessKeyMetadata, "AccessKeyMetadata"), next: rest(answer) };
    });
    for (const { AccessKeyId } of keys) {
      await ask(look, (options) => iam.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }), options));
    }
    const attached = await everyPage(async (Marker) => {
      const command = new ListAttachedUserPoliciesCommand({ UserName, Marker });
      const answer = await ask(look, (options) => iam.send(command, options));
      return { items: given(answer.AttachedPolicies, "AttachedPolicies"), next: rest(answer) };
    });
    for (const { PolicyArn } of attached) {
      await ask(look, (options) => iam.send(new DetachUserPolicyCommand({ UserName, PolicyArn }), options));
    }
    const inline = await everyPage(async (Marker) => {
      const answer = await ask(look, (options) => iam.send(new ListUserPoliciesCommand({ UserName, Marker }), options));
      return { items: given(answer.PolicyNames, "PolicyNames"), next: rest(answer) };
    });
    for (const PolicyName of inline) {
      await ask(look, (options) => iam.send(new DeleteUserPolicyCommand({ UserName, PolicyName }), options));
    }
    await ask(look, (options) => iam.send(new DeleteUserCommand({ UserName }), options));
  },
  "iam:instance-profile": async (look, iam, InstanceProfileName) => {
    const command = new GetInstanceProfileCommand({ InstanceProfileName });
    const answer = await ask(look, (options) => iam.send(command, options));
    for (const { RoleName } of given(answer.InstanceProfile, "InstanceProfile").Roles ?? []) {
      const leave = new RemoveRoleFromInstanceProfileCommand({ InstanceProfileName, RoleName });
      await ask(look, (options) => iam.send(leave, options));
    }
    await ask(look, (options) => iam.send(new DeleteInstanceProfileCommand({ InstanceProfileName }), options));
  },
  "iam:oidc-provider": async (look, iam, _host, OpenIDConnectProviderArn) => {
    const command = new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn });
    await ask(look, (options) => iam.send(command, options));
  },
};

async function profilesOf(look: Look, iam: IAMClient, RoleName: string): Promise<string[]> {
  const profiles = await everyPage(async (Marker) => {
    const command = new ListInstanceProfilesForRoleCommand({ RoleName, Marker });
    const answer = await ask(look, (options) => iam.send(command, options));
    return { items: given(answer.InstanceProfiles, "InstanceProfiles"), next: rest(answer) };
  });
  return profiles.map(({ InstanceProfileName }) => given(InstanceProfileName, "InstanceProfileName"));
}

/** A cluster's roles, users and instance profiles, by the exact beginning of their names and by their tags. */

import {
  GetInstanceProfileCommand,
  type IAMClient,
  ListInstanceProfilesCommand,
  ListOpenIDConnectProvidersCommand,
  ListOpenIDConnectProviderTagsCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  ListUsersCommand,
  ListUserTagsCommand,
  type Tag,
} from "@aws-sdk/client-iam";
import { isMissing } from "./aws-failure.ts";
import { ask, everyPage, given, type Look, type Page, tagRecord } from "./look.ts";
import type { Found, Whose } from "./whose.ts";

/** IAM answers at most this many at once, whatever is asked. */
const PAGE = 1000;

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date | undefined;
}

interface Kind {
  readonly type: string;
  /** Whether a name makes it worth reading the tags. */
  readonly worth: (whose: Whose, name: string) => boolean;
  readonly list: (look: Look, iam: IAMClient, Marker: string | undefined) => Promise<Page<Listed>>;
  readonly tags: (look: Look, iam: IAMClient, of: Listed, Marker: string | undefined) => Promise<Page<Tag>>;
}

/** `IsTruncated` and `Marker` go together; a truncated answer without a marker is not the end of a list. */
const after = (answer: { IsTruncated?: boolean | undefined; Marker?: string | undefined }): string | undefined =>
  answer.IsTruncated === true ? given(answer.Marker || undefined, "Marker") : undefined;

const roles: Kind = {
  type: "iam:role",
  worth: (whose, name) => whose.mayBe(name),
  list: async (look, iam, Marker) => {
    const answer = await ask(look, (options) => iam.send(new ListRolesCommand({ Marker, MaxItems: PAGE }), options));
    const items = given(answer.Roles, "Roles").map(({ Arn, RoleName, CreateDate }) => ({
      id: given(Arn, "Arn"),
      name: given(RoleName, "RoleName"),
      createdAt: CreateDate,
    }));
    return { items, next: after(answer) };
  },
  tags: async (look, iam, { name: RoleName }, Marker) => {
    const answer = await ask(look, (options) => iam.send(new ListRoleTagsCommand({ RoleName, Marker }), options));
    return { items: given(answer.Tags, "Tags"), next: after(answer) };
  },
};

const users: Kind = {
  type: "iam:user",
  worth: (whose, name) => whose.mayBeUser(name),
  list: async (look, iam, Marker) => {
    const answer = await ask(look, (options) => iam.send(new ListUsersCommand({ Marker, MaxItems: PAGE }), options));
    const items = given(answer.Users, "Users").map(({ Arn, UserName, CreateDate }) => ({
      id: given(Arn, "Arn"),
      name: given(UserName, "UserName"),
      createdAt: CreateDate,
    }));
    return { items, next: after(answer) };
  },
  tags: async (look, iam, { name: UserName }, Marker) => {
    const answer = await ask(look, (options) => iam.send(new ListUserTagsCommand({ UserName, Marker }), options));
    return { items: given(answer.Tags, "Tags"), next: after(answer) };
  },
};

const instanceProfiles: Kind = {
  type: "iam:instance-profile",
  worth: (whose, name) => whose.mayBe(name),
  list: async (look, iam, Marker) => {
    const answer = await ask(look, (options) =>
      iam.send(new ListInstanceProfilesCommand({ Marker, MaxItems: PAGE }), options),
    );
    const items = given(answer.InstanceProfiles, "InstanceProfiles").map(
      ({ Arn, InstanceProfileName, CreateDate }) => ({
        id: given(Arn, "Arn"),
        name: given(InstanceProfileName, "InstanceProfileName"),
        createdAt: CreateDate,
      }),
    );
    return { items, next: after(answer) };
  },
  tags: async (look, iam, { name: InstanceProfileName }) => {
    const command = new GetInstanceProfileCommand({ InstanceProfileName });
    const answer = await ask(look, (options) => iam.send(command, options));
    return { items: given(answer.InstanceProfile, "InstanceProfile").Tags ?? [], next: undefined };
  },
};

/** The one IAM list that has no pages. A provider's ARN ends with its host: `INFRAID-oidc.s3.REGION.amazonaws.com`. */
const oidcProviders: Kind = {
  type: "iam:oidc-provider",
  // A provider may have a CDN's host name, which says nothing: its tags are read whatever it is called.
  worth: () => true,
  list: async (look, iam) => {
    const answer = await ask(look, (options) => iam.send(new ListOpenIDConnectProvidersCommand({}), options));
    const items = given(answer.OpenIDConnectProviderList, "OpenIDConnectProviderList").map(({ Arn }) => {
      const id = given(Arn, "Arn");
      return { id, name: id.slice(id.indexOf("oidc-provider/") + "oidc-provider/".length), createdAt: undefined };
    });
    return { items, next: undefined };
  },
  tags: async (look, iam, { id: OpenIDConnectProviderArn }, Marker) => {
    const answer = await ask(look, (options) =>
      iam.send(new ListOpenIDConnectProviderTagsCommand({ OpenIDConnectProviderArn, Marker }), options),
    );
    return { items: given(answer.Tags, "Tags"), next: after(answer) };
  },
};

export async function findIam(look: Look, iam: IAMClient, whose: Whose): Promise<Found[]> {
  const found: Found[] = [];
  for (const kind of [roles, users, instanceProfiles, oidcProviders]) {
    const listed = await everyPage((Marker) => kind.list(look, iam, Marker));
    for (const item of listed.filter(({ name }) => kind.worth(whose, name))) {
      const tags = await everyPage((Marker) => kind.tags(look, iam, item, Marker)).catch(goneIsNull);
      if (tags === null) continue;
      const record = tagRecord(tags);
      if (whose.isMeant(record, item.name)) found.push({ ...item, type: kind.type, tags: record, dailyCost: 0 });
    }
  }
  return found;
}

const goneIsNull = (error: unknown): null => {
  if (isMissing(error)) return null;
  throw error;
};

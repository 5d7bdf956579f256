/** What webhooks hold beside what happened. */

import { accountBody, appBody, nodeId } from "./body-account.ts";
import { repositoryBody } from "./body-repository.ts";
import type { Actor, Body, World } from "./world.ts";

/** What every webhook has beside its own. */
export function payloadOf(world: World, action: string | null, body: Body, sender: Actor): Body {
  return {
    ...(action === null ? {} : { action }),
    ...body,
    repository: body["repository"] ?? repositoryBody(world),
    organization: organizationBody(world),
    sender: accountBody(world, sender.login),
    installation: { id: world.app.installationId, node_id: nodeId("I", world.app.installationId) },
  };
}

/** `organization-simple-webhooks`. */
function organizationBody(world: World): Body {
  const { owner } = world.repository;
  const url = `${world.apiUrl}/orgs/${owner}`;
  const { id, node_id, avatar_url } = accountBody(world, owner);
  return {
    login: owner,
    id,
    node_id,
    url,
    repos_url: `${url}/repos`,
    events_url: `${url}/events`,
    hooks_url: `${url}/hooks`,
    issues_url: `${url}/issues`,
    members_url: `${url}/members{/member}`,
    public_members_url: `${url}/public_members{/member}`,
    avatar_url,
    description: null,
  };
}

/** No repository: an App's ping comes before any. */
export function pingBody(world: World): Body {
  return {
    zen: "Keep it logically awesome.",
    hook_id: 1,
    hook: {
      type: "App",
      id: 1,
      name: "web",
      active: true,
      app_id: world.app.id,
      events: appBody(world)["events"],
      config: { content_type: "json", insecure_ssl: "0", url: world.app.webhookUrl ?? "", secret: "********" },
      updated_at: appBody(world)["updated_at"],
      created_at: appBody(world)["created_at"],
      deliveries_url: `${world.apiUrl}/app/hook/deliveries`,
    },
  };
}

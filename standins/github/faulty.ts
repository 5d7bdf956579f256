/** How a fault changes what is answered. */

import type { IncomingMessage } from "node:http";
import { setTimeout as after } from "node:timers/promises";
import type { Fault, MetFault } from "./faults.ts";
import { secondaryLimit } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import type { Answer } from "./route.ts";

/** Waits as a fault has it; answers false when the request is not to be dealt with any more. */
export async function survives(request: IncomingMessage, met: MetFault | null): Promise<boolean> {
  const fault = met?.fault;
  if (fault?.kind === "hang") return false;
  if (fault?.kind === "hold") await met?.released;
  if (fault?.kind === "slow") await after(fault.milliseconds);
  if (fault?.kind === "reset") request.socket.resetAndDestroy();
  return !request.socket.destroyed;
}

/** What a fault answers without asking anybody; null: ask. `limits` are the rate limit's headers. */
export function instead(fault: Fault | null, limits: Readonly<Record<string, string>>): Answer | null {
  switch (fault?.kind) {
    case "status": {
      const { body } = new Refusal(fault.status, fault.status >= 500 ? "Server Error" : "Not what was asked for");
      return { status: fault.status, body, headers: { ...limits, ...fault.headers } };
    }
    case "secondary-limit": {
      const { status, body, headers } = secondaryLimit(fault.retryAfter);
      return { status, body, headers: { ...limits, ...headers } };
    }
    case "primary-limit": {
      const { status, body } = new Refusal(fault.status ?? 403, "API rate limit exceeded for installation.");
      return { status, body, headers: { ...limits, "x-ratelimit-remaining": "0" } };
    }
    case "html":
      return { status: 200, raw: Buffer.from("<html>Sign in</html>"), headers: { "content-type": "text/html" } };
    default:
      return null;
  }
}

/** Whether a fault leaves this answer as it is: there is one page only, or nothing has changed since. */
export function isSame(answer: Answer, fault: Fault | null, before: Answer | undefined): boolean {
  if (fault?.kind === "one-page") return answer.headers?.["link"] === undefined;
  if (fault?.kind === "stale")
    return before === undefined || JSON.stringify(before.body) === JSON.stringify(answer.body);
  return false;
}

/** What is left of a right answer; `before` is what the same request was answered last. */
export function degraded(answer: Answer, fault: Fault | null, before: Answer | undefined): Answer {
  switch (fault?.kind) {
    case "empty":
      return { status: answer.status, headers: { "content-type": "application/json; charset=utf-8" } };
    case "stale":
      return before ?? answer;
    case "one-page": {
      const { link: _link, ...headers } = answer.headers ?? {};
      return { ...answer, headers };
    }
    default:
      return answer;
  }
}

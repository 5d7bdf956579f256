/** What GitHub answers when it does not do what was asked. */

import type { Body } from "./world.ts";

export class Refusal extends Error {
  readonly status: number;
  readonly body: Body;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, extra: Body = {}, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.body = { message, documentation_url: "https://docs.github.com/rest", status: String(status), ...extra };
  }
}

export function notFound(): Refusal {
  return new Refusal(404, "Not Found");
}

/** 422 with what is wrong in a field, as GitHub's validation says it. */
export function invalid(resource: string, field: string, code: string, message?: string): Refusal {
  const error = { resource, field, code, ...(message === undefined ? {} : { message }) };
  return new Refusal(422, "Validation Failed", { errors: [error] });
}

/** A server in front of moto that answers some requests itself: refusals, throttling, nonsense, what AWS says late. */

import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { type AwsClients, awsClients } from "../../src/cloud/aws/clients.ts";
import { REGION, roleOf } from "./moto.ts";

export interface Asked {
  /** `ec2`, `iam`, … as the signature's scope has it. */
  readonly service: string;
  readonly region: string;
  /** `DescribeVolumes`; for REST services `GET /path`. */
  readonly action: string;
  /** Parameters of query services, the body of JSON ones, the query of REST ones. */
  readonly body: string;
  readonly times: number;
}

export interface Answer {
  readonly status: number;
  readonly body?: string;
  readonly type?: string;
  /** Cuts the connection instead. */
  readonly hangUp?: boolean;
}

/** Null: moto answers. */
export type Fault = (asked: Asked) => Answer | null;

export const xmlError = (code: string, status = 403): Answer => ({
  status,
  type: "text/xml",
  body: `<?xml version="1.0"?><ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
});

/** EC2 wraps its errors in its own way. */
export const ec2Error = (code: string, status = 403): Answer => ({
  status,
  type: "text/xml",
  body: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>no</Message></Error></Errors><RequestID>r</RequestID></Response>`,
});

export const jsonError = (code: string, status = 400): Answer => ({
  status,
  type: "application/x-amz-json-1.1",
  body: JSON.stringify({ __type: code, message: "no" }),
});

/** As the service itself would refuse. S3 and Route 53 take the common form, too. */
export const refusal = (service: string, code: string, status?: number): Answer =>
  service === "ec2"
    ? ec2Error(code, status)
    : service === "tagging" || service === "servicequotas"
      ? jsonError(code, status)
      : service === "s3"
        ? { ...xmlError(code, status), body: `<Error><Code>${code}</Code><Message>no</Message></Error>` }
        : xmlError(code, status);

/** Answers of moto, kept. A world that does not change can be looked at again and again without moto. */
export type Recording = Map<string, { readonly status: number; readonly headers: object; readonly body: Buffer }>;

export async function front(
  fault: Fault,
  recording?: Recording,
): Promise<{ readonly url: string; readonly log: Asked[] } & AsyncDisposable> {
  const moto = new URL(process.env["AWS_ENDPOINT_URL"] ?? "");
  const log: Asked[] = [];
  const counts = new Map<string, number>();
  const server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const url = new URL(incoming.url ?? "/", "http://front");
    const [, region = "", service = ""] =
      /Credential=[^/]+\/\d+\/([^/]+)\/([^/]+)\//.exec(String(incoming.headers.authorization)) ?? [];
    const text = bytes.toString("utf8");
    const target = String(incoming.headers["x-amz-target"] ?? "").split(".")[1];
    const action = target ?? new URLSearchParams(text).get("Action") ?? `${incoming.method} ${url.pathname}`;
    const name = `${service} ${action}`;
    const times = (counts.get(name) ?? 0) + 1;
    counts.set(name, times);
    const asked: Asked = { service, region, action, body: text === "" ? url.search : text, times };
    log.push(asked);
    const answer = fault(asked);
    if (answer?.hangUp === true) return void incoming.socket.destroy();
    if (answer !== null) {
      outgoing.writeHead(answer.status, { "content-type": answer.type ?? "text/plain" });
      return void outgoing.end(answer.body ?? "");
    }
    const key = [service, region, incoming.method, incoming.url, target, text].join(" ");
    const kept = recording?.get(key);
    if (kept !== undefined) {
      outgoing.writeHead(kept.status, { ...kept.headers });
      return void outgoing.end(kept.body);
    }
    const forwarded = request(
      moto,
      { method: incoming.method, path: incoming.url, headers: { ...incoming.headers, host: moto.host } },
      async (from) => {
        const parts: Buffer[] = [];
        for await (const part of from) parts.push(part as Buffer);
        const [status, headers, body] = [from.statusCode ?? 502, from.headers, Buffer.concat(parts)];
        // Not who one is: that answer belongs to its caller.
        if (service !== "sts") recording?.set(key, { status, headers, body });
        outgoing.writeHead(status, headers);
        outgoing.end(body);
      },
    );
    forwarded.on("error", () => outgoing.destroy());
    forwarded.end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    log,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Clients of an account, as `lab`, that speak to a front; its role is assumed, its world is moto's. */
export async function through<T>(
  accountId: string,
  fault: Fault,
  use: (clients: AwsClients, log: readonly Asked[]) => Promise<T>,
  recording?: Recording,
): Promise<T> {
  await using it = await front(fault, recording);
  const before = process.env["AWS_ENDPOINT_URL"];
  process.env["AWS_ENDPOINT_URL"] = it.url;
  const clients = awsClients({
    accounts: { lab: { roleArn: roleOf(accountId), region: REGION } },
    version: "test",
    pathStyle: true,
  });
  try {
    return await use(clients, it.log);
  } finally {
    process.env["AWS_ENDPOINT_URL"] = before;
    clients.close();
  }
}

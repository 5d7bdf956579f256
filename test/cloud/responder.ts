/** An AWS that says what a test wants it to say: answers of the real one, as its documentation and its logs show them. */

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { vi } from "vitest";
import { awsClients } from "../../src/cloud/aws/clients.ts";

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Breaks the connection after this many bytes of the body. */
  readonly cutAfter?: number;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export interface Responder extends AsyncDisposable {
  readonly url: string;
  readonly requests: Request[];
  readonly clients: ReturnType<typeof awsClients>;
}

/** Answers by `respond`, which sees how many requests came before; null cuts the connection without an answer. */
export async function responder(respond: (request: Request, before: number) => Answer | null): Promise<Responder> {
  const requests: Request[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const { method = "", url: path = "", headers } = incoming;
      const request = { method, path, headers, body: Buffer.concat(chunks) };
      const answer = respond(request, requests.push(request) - 1);
      if (answer === null) {
        incoming.socket.destroy();
        return;
      }
      const body = Buffer.from(answer.body ?? "");
      outgoing.writeHead(answer.status, { "content-length": String(body.length), ...answer.headers });
      if (answer.cutAfter === undefined) outgoing.end(method === "HEAD" ? undefined : body);
      else outgoing.write(body.subarray(0, answer.cutAfter), () => incoming.socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const name of Object.keys(process.env)) if (name.startsWith("AWS_")) vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_ENDPOINT_URL", url);
  vi.stubEnv("AWS_REGION", "us-east-1");
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIACANARYCANARY0001");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "canary-secret-access-key");
  vi.stubEnv("AWS_SESSION_TOKEN", "canary-session-token");
  const clients = awsClients({ accounts: {}, version: "test", pathStyle: true });
  return {
    url,
    requests,
    clients,
    [Symbol.asyncDispose]: async () => {
      clients.close();
      vi.unstubAllEnvs();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** S3's error document: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export const s3Error = (status: number, code: string, message: string, more = "", headers = {}): Answer => ({
  status,
  headers: { "content-type": "application/xml", "x-amz-request-id": "TX0REQUEST", ...headers },
  body:
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<Error><Code>${code}</Code><Message>${message}</Message>${more}` +
    "<RequestId>TX0REQUEST</RequestId><HostId>aG9zdA==</HostId></Error>",
});

/** The error document of services that speak JSON 1.1. */
export const jsonError = (status: number, type: string, message: string): Answer => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1", "x-amzn-requestid": "00000000-0000-4000-8000-000000000000" },
  body: JSON.stringify({ __type: type, Message: message, message }),
});

/** The little web server of `serve`: deliveries from GitHub, and a word on health. It knows nobody's data. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LabkeeperError } from "../errors.ts";

export interface WebServerOptions {
  readonly listen: { readonly host: string; readonly port: number };
  /** Null: deliveries are answered with 404. */
  readonly webhook:
    | ((delivery: {
        readonly headers: IncomingMessage["headers"];
        readonly body: Uint8Array;
      }) => Promise<{ readonly status: number }>)
    | null;
  /** Asked by GET /healthz: 200 or 503. */
  readonly healthy: () => Promise<boolean>;
  /** What went wrong inside; never with a byte of a request. */
  readonly onError: (error: unknown) => void;
  readonly limits?: Partial<WebLimits>;
}

export interface WebLimits {
  readonly bodyBytes: number;
  readonly headersMs: number;
  readonly requestMs: number;
  /** Bodies read at the same time: with `bodyBytes`, the most memory that strangers can take. */
  readonly bodies: number;
  readonly connections: number;
}

export interface WebServer {
  /** `http://127.0.0.1:8080` */
  readonly url: string;
  /** Takes nothing new, lets what runs end for a moment, and cuts the rest. */
  close(): Promise<void>;
}

const LIMITS: WebLimits = {
  bodyBytes: 5 * 1024 * 1024,
  headersMs: 10_000,
  requestMs: 30_000,
  bodies: 16,
  connections: 256,
};

const DRAIN_MS = 2000;

/** Nothing of it is for a browser. */
const HEADERS = {
  "content-type": "text/plain; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
};

const WORDS: Readonly<Record<number, string>> = {
  200: "ok",
  202: "accepted",
  400: "bad request",
  401: "signature is missing or wrong",
  403: "another repository",
  404: "not found",
  405: "method not allowed",
  411: "length or chunks required",
  413: "too large",
  500: "failed",
  503: "not now",
};

/** What never became a request; Node answers nothing by itself once somebody listens. */
const BROKEN: Readonly<Record<string, string>> = {
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
};

/** The connection ends with what leaves a body unread: the rest of it is nobody's next request. */
const answer = (response: ServerResponse, status: number, close = false): void => {
  if (response.headersSent || response.destroyed) return;
  const text = `${WORDS[status] ?? "done"}\n`;
  const length = { "content-length": String(Buffer.byteLength(text)) };
  response.writeHead(status, { ...HEADERS, ...length, ...(close ? { connection: "close" } : {}) });
  response.end(text);
};

/** The whole body; null when it is longer than allowed, by what it says of itself or by what comes. */
const bodyOf = async (request: IncomingMessage, mostBytes: number): Promise<Buffer | null> => {
  if (Number(request.headers["content-length"] ?? 0) > mostBytes) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  // Left open when it is given up: the answer goes through the same socket.
  const chunksOf: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const chunk of chunksOf) {
    size += chunk.length;
    if (size > mostBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
};

const pathOf = (request: IncomingMessage): string => (request.url ?? "").replace(/[?#].*$/s, "");

const routes = ({ webhook, healthy }: WebServerOptions, limits: WebLimits) => {
  let reading = 0;
  const deliver = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (webhook === null) return answer(response, 404, true);
    if (request.method !== "POST") return answer(response, 405, true);
    if (reading >= limits.bodies) return answer(response, 503, true);
    reading += 1;
    try {
      const body = await bodyOf(request, limits.bodyBytes);
      if (body === null) return answer(response, 413, true);
      answer(response, (await webhook({ headers: request.headers, body })).status);
    } finally {
      reading -= 1;
    }
  };
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathOf(request);
    if (path === "/webhooks/github") return await deliver(request, response);
    if (path !== "/healthz") return answer(response, 404, true);
    if (request.method !== "GET" && request.method !== "HEAD") return answer(response, 405, true);
    answer(response, (await healthy().catch(() => false)) ? 200 : 503);
  };
};

const listening = async (server: Server, { host, port }: WebServerOptions["listen"]): Promise<string> => {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      const remedy = "Give LABKEEPER_LISTEN an address of this host and a port that is free.";
      reject(new LabkeeperError("LK7001", `${host}:${port} cannot be listened on (${cause.code})`, { cause, remedy }));
    });
    server.listen(port, host, resolve);
  });
  const { address, port: taken, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${taken}`;
};

/** Listens until closed. @throws LK7001 when the address cannot be had */
export const startWebServer = async (options: WebServerOptions): Promise<WebServer> => {
  const limits = { ...LIMITS, ...options.limits };
  const handle = routes(options, limits);
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: 5000,
      // How often the two are looked at; the default would let a short limit pass unseen.
      connectionsCheckingInterval: Math.min(5000, limits.headersMs / 2),
      maxHeaderSize: 16 * 1024,
    },
    (request, response) => {
      handle(request, response).catch((error: unknown) => {
        // A client that goes away in the middle is no failure of ours.
        if (!request.errored) options.onError(error);
        answer(response, 500, true);
      });
    },
  );
  server.maxConnections = limits.connections;
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const line = BROKEN[error.code ?? ""] ?? "400 Bad Request";
    if (socket.writable) socket.end(`HTTP/1.1 ${line}\r\nConnection: close\r\n\r\n`);
  });
  const url = await listening(server, options.listen);
  server.on("error", options.onError);
  return {
    url,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(cut);
    },
  };
};

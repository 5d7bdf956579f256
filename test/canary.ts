/**
 * Looks for secrets where none may be (promise P9). The tear-down of every world that flow tests live in does, so each of
 * them shows it, whatever else it is about.
 */

import diagnostics from "node:diagnostics_channel";
import { readdir, readFile } from "node:fs/promises";
import { ServerResponse } from "node:http";
import { join, relative } from "node:path";
import { setImmediate as setImmediately } from "node:timers/promises";
import { inspect } from "node:util";
import type { Credentials, Provisioner, SecretStore } from "../src/ports.ts";

/** Anything that runs a query: a client or a pool. */
export interface Queryable {
  query(text: string): Promise<{ readonly rows: readonly unknown[] }>;
}

export interface Places {
  /** Every row of every table, events among them. */
  readonly database?: Queryable;
  /** Names and contents of all files below. One that is not there is empty. */
  readonly folders?: readonly string[];
  /** What was said, by what said it: text, errors with their causes, anything else. */
  readonly said?: Readonly<Record<string, unknown>>;
}

/** Shorter ones are found in everything. */
const SHORTEST = 8;

/** What of credentials is secret: all of a value, and inside of a kubeconfig what lets one in. */
export const secretsOf = (sealed: Credentials): string[] =>
  sealed.names
    .filter((name) => /password|token|secret|key|kubeconfig|value/i.test(name))
    .flatMap((name) => {
      const value = sealed.reveal(name);
      const inside = value.matchAll(/(?:token|password|client-key-data|auth)["']?\s*:\s*["']?([^\s"'},]+)/g);
      return [value, value.trim(), ...[...inside].map(([, part = ""]) => part)];
    })
    .filter((secret) => secret.length >= SHORTEST);

/** The characters of base64 that depend on the secret alone when `before` bytes (modulo 3) stand before it. */
const insideBase64 = (secret: Buffer, before: number, alphabet: "base64" | "base64url"): string =>
  Buffer.concat([Buffer.alloc(before), secret])
    .toString(alphabet)
    .slice(Math.ceil((before * 8) / 6), Math.floor(((before + secret.length) * 8) / 6));

/** A secret as it may show: plain, in JSON (once, and JSON in JSON), in a URL, and in base64 wherever it begins. */
export const formsOf = (secret: string): ReadonlyMap<string, string> => {
  const bytes = Buffer.from(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const forms: [name: string, form: string][] = [
    ["plain", secret],
    ["JSON", json],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["inspected", inspect(secret).slice(1, -1)],
    ["URL", url],
    ["form", url.replaceAll("%20", "+")],
    ...([0, 1, 2] as const).flatMap((before): [string, string][] => [
      [`base64 after ${before}`, insideBase64(bytes, before, "base64")],
      [`base64url after ${before}`, insideBase64(bytes, before, "base64url")],
    ]),
  ];
  return new Map(forms.toReversed().map(([name, form]) => [form, name]));
};

/** Command lines of all processes of this machine, whoever started them. Empty where there is no /proc. */
export async function processList(): Promise<string[]> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  // What ended meanwhile, and what is somebody else's, shows nothing.
  return await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")));
}

/** Looks at the process list again and again, for what lives too shortly to be there in the end. */
export function watchedProcesses(): { readonly seen: ReadonlySet<string>; stop(): Promise<void> } {
  const seen = new Set<string>();
  let watching = true;
  const watched = (async () => {
    while (watching) {
      for (const line of await processList()) seen.add(line);
      await setImmediately();
    }
  })();
  return {
    seen,
    stop: async () => {
      watching = false;
      await watched;
    },
  };
}

/** Command lines of what this process has started, since this file was loaded. */
const commandLines: string[] = [];
diagnostics.subscribe("child_process", (message) => {
  const { process: child } = message as { readonly process: { readonly spawnargs?: readonly string[] } };
  // Told before it has them.
  setImmediate(() => commandLines.push((child.spawnargs ?? []).join("\0")));
});

/** What this process has asked of others with `fetch`, which is how GitHub and git servers are asked: heads and bodies. */
const sent: { head: string; body: string }[] = [];
const sentBy = new WeakMap<object, { head: string; body: string }>();
diagnostics.subscribe("undici:request:create", (message) => {
  const { request } = message as { readonly request: { readonly path: string; readonly headers: unknown } };
  const entry = { head: `${request.path} ${JSON.stringify(request.headers)}`, body: "" };
  sent.push(entry);
  sentBy.set(request, entry);
});
diagnostics.subscribe("undici:request:bodyChunkSent", (message) => {
  const { request, chunk } = message as { readonly request: object; readonly chunk: string | Uint8Array };
  const entry = sentBy.get(request);
  if (entry !== undefined) entry.body += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8");
});

/** What labkeeper's web server has answered in this process, to whatever it was asked. */
const answered: string[] = [];
const OWN_PATHS = /^\/(?:webhooks\/|healthz)/;
const { end } = ServerResponse.prototype;
ServerResponse.prototype.end = function (this: ServerResponse, ...given: unknown[]) {
  const [chunk] = given;
  if (OWN_PATHS.test(this.req.url ?? ""))
    answered.push(`${JSON.stringify(this.getHeaders())} ${typeof chunk === "function" ? "" : String(chunk ?? "")}`);
  return Reflect.apply(end, this, given) as ServerResponse;
} as typeof end;

const textOf = (said: unknown): string =>
  typeof said === "string"
    ? said
    : inspect(said, {
        depth: null,
        maxArrayLength: null,
        maxStringLength: null,
        breakLength: Number.POSITIVE_INFINITY,
      });

async function* rowsOf(database: Queryable): AsyncGenerator<[place: string, text: string]> {
  const { rows } = await database.query(
    "select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'",
  );
  for (const { name } of rows as readonly { readonly name: string }[]) {
    const dumped = await database.query(`select to_jsonb(t)::text as row from "${name}" t`);
    yield [`table ${name}`, (dumped.rows as readonly { readonly row: string }[]).map(({ row }) => row).join("\n")];
  }
}

async function* filesOf(folder: string): AsyncGenerator<[place: string, text: string]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  });
  yield [`names in ${folder}`, entries.map((entry) => relative(folder, join(entry.parentPath, entry.name))).join("\n")];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // What goes away meanwhile shows nothing any more.
    yield [path, await readFile(path, "latin1").catch(() => "")];
  }
}

async function* all({ database, folders = [], said = {} }: Places): AsyncGenerator<[place: string, text: string]> {
  if (database !== undefined) yield* rowsOf(database);
  for (const folder of folders) yield* filesOf(folder);
  for (const [place, words] of Object.entries(said)) yield [place, textOf(words)];
  yield ["requests that were sent", sent.map(({ head, body }) => `${head} ${body}`).join("\n")];
  yield ["answers of the web server", answered.join("\n")];
  yield ["process arguments", commandLines.join("\n")];
  yield ["the process list", (await processList()).join("\n")];
}

/** Where which secret shows and how, without the secret itself: `base64 after 1 of cana… in table labs`. */
export async function leaks(secrets: Iterable<string>, places: Places): Promise<string[]> {
  const given = [...new Set(secrets)];
  const short = given.find(({ length }) => length < SHORTEST);
  if (short !== undefined) throw new Error(`a secret of ${short.length} characters cannot be looked for`);
  // What holds another one (a kubeconfig its token) shows with it, in any form.
  const smallest = given.filter((secret) => !given.some((other) => other !== secret && secret.includes(other)));
  const wanted = smallest.map((secret) => {
    // Files are read byte by byte, so is what is looked for in them; mostly that is the same.
    const forms = new Map([...formsOf(secret), ...formsOf(Buffer.from(secret).toString("latin1"))]);
    return { secret, forms: [...forms] };
  });
  const found: string[] = [];
  for await (const [place, text] of all(places)) {
    for (const { secret, forms } of wanted) {
      const [, how] = forms.find(([form]) => text.includes(form)) ?? [];
      if (how !== undefined) found.push(`${how} of ${secret.slice(0, 4)}… in ${place}`);
    }
  }
  return found;
}

/** @throws when any of the secrets shows in any form in any place */
export async function expectNoLeak(secrets: Iterable<string>, places: Places): Promise<void> {
  const found = await leaks(secrets, places);
  if (found.length > 0) throw new Error(`secrets are where none may be:\n${found.join("\n")}`);
}

/** The same store; all that is ever put into it or read from it is remembered as secret. */
export const remembering = (store: SecretStore, secrets: Set<string>): SecretStore => {
  const remember = (sealed: Credentials | null): void => {
    if (sealed !== null) for (const secret of secretsOf(sealed)) secrets.add(secret);
  };
  return {
    ...store,
    put: async (key, sealed) => {
      remember(sealed);
      await store.put(key, sealed);
    },
    get: async (key) => {
      const sealed = await store.get(key);
      remember(sealed);
      return sealed;
    },
  };
};

/** The same provisioner; what it says, answers and fails with is kept, and its credentials are remembered as secret. */
export const overheard = (provisioner: Provisioner, heard: unknown[], secrets: Set<string>): Provisioner => {
  const verbs = Object.entries(provisioner).map(([verb, call]) => {
    if (typeof call !== "function") return [verb, call] as const;
    const overheardCall = async (...given: unknown[]): Promise<unknown> => {
      const context = given.at(-1) as Parameters<Provisioner["destroy"]>[2];
      const listened = {
        ...context,
        log: (line: string) => {
          heard.push(line);
          context.log(line);
        },
        progress: (...told: Parameters<typeof context.progress>) => {
          heard.push(told);
          context.progress(...told);
        },
        ...(context.recordIntent === undefined
          ? {}
          : {
              recordIntent: async (intent: Parameters<NonNullable<typeof context.recordIntent>>[0]) => {
                heard.push(intent);
                await context.recordIntent?.(intent);
              },
            }),
      };
      try {
        const answer = await (call as (...args: unknown[]) => Promise<unknown>)(...given.slice(0, -1), listened);
        const { credentials } = (answer ?? {}) as { readonly credentials?: Credentials };
        if (credentials !== undefined) for (const secret of secretsOf(credentials)) secrets.add(secret);
        heard.push(answer);
        return answer;
      } catch (error) {
        heard.push(error);
        throw error;
      }
    };
    return [verb, overheardCall] as const;
  });
  return Object.fromEntries(verbs) as unknown as Provisioner;
};

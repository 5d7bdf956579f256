/** P9: no secret in git, Postgres, logs, events, errors or reports. A canary is followed through a whole life. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { credentials } from "../../src/core/credentials.ts";
import { LabkeeperError } from "../../src/errors.ts";
import { gone, lab, labs } from "./files.ts";
import { type World, world } from "./world.ts";

const CANARY = "c4n4ry-T0p/Secret+Passw0rd=";
const TOKEN = "t0ken-0f-the-kubeconfig-XYZ";
const KUBECONFIG = `apiVersion: v1\nkind: Config\nusers:\n  - name: admin\n    user: { token: ${TOKEN} }\n`;

/** A secret as it is and in base64, wherever in a longer text it may start. */
const formsOf = (secret: string): string[] => [
  secret,
  ...[0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)])
      .toString("base64")
      .slice(4, -4),
  ),
];

/** All bytes outside of Postgres, secrets included, by path. */
const onDisk = (w: World): [string, string][] =>
  readdirSync(w.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => [path, readFileSync(path, "latin1")]);

test("a password that an installer makes, prints, fails with and reports is only in the store of secrets", async () => {
  await using w = await world();
  let attempts = 0;
  w.interfere.install = async (order, intent, context) => {
    await w.real.install(order, intent, context);
    context.log(`INFO Login to the console with user: "kubeadmin", and password: "${CANARY}"`);
    context.log(`level=debug msg="Authorization: Bearer ${TOKEN}"`);
    return {
      outputs: { apiUrl: "https://api.example.com" },
      credentials: credentials({ kubeconfig: KUBECONFIG, password: CANARY }),
    };
  };
  w.interfere.verify = async (_order, _intent, stored, context) => {
    context.log(`trying ${stored.reveal("password")} and ${Buffer.from(CANARY).toString("base64")}`);
    context.progress(`asking with ${CANARY}`, 10);
    for (const line of KUBECONFIG.split("\n")) context.log(line);
    context.log(`${stored}`);
    attempts += 1;
    if (attempts === 1) throw new LabkeeperError("LK5006", `login with ${CANARY} was refused`);
    if (attempts === 2) throw new Error(`cannot parse ${KUBECONFIG}`);
  };
  w.interfere.update = async (_order, _intent, context) => {
    context.log(`still ${CANARY}`);
    throw new LabkeeperError("LK5003", `the API refused ${CANARY}`);
  };
  await w.turn(labs(["one", "two"]));
  await w.hurry();
  await w.work();
  await w.hurry();
  await w.work();
  await w.turn(lab("one", { spec: { workers: 2 } }));
  expect(await w.states()).toEqual({ one: "ready", two: "ready" });
  expect((await w.lab("one")).failure?.message).toContain("the API refused");

  const { id } = await w.lab("one");
  expect((await w.secrets.get(`labs/${id}`))?.reveal("password")).toBe(CANARY);
  const places: [string, string][] = [
    ["the database", await w.dump()],
    ["the events", JSON.stringify(await w.events("one"))],
    ["the status", JSON.stringify(await w.store.labs(true))],
    ["the reports", JSON.stringify(w.reported)],
    ["the errors", w.errors.map(String).join("\n")],
    ...onDisk(w),
  ];
  const found = places.flatMap(([place, text]) =>
    [...formsOf(CANARY), ...formsOf(TOKEN)].filter((form) => text.includes(form)).map((form) => `${form} in ${place}`),
  );
  expect(found).toEqual([]);
  const logs = places.filter(([place]) => place.includes("artifacts"));
  expect(logs.map(([, text]) => text).join("\n")).toContain("[redacted]");

  delete w.interfere.update;
  await w.turn(gone("one"));
  expect(await w.secrets.get(`labs/${id}`)).toBeNull();
  expect(onDisk(w).filter(([path]) => path.includes(id) && path.includes("secrets"))).toEqual([]);
});

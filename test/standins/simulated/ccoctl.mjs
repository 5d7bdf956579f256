import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as cloud from "./cloud.mjs";
import { parseFlags } from "./flags.mjs";
import { faultAt } from "./scenario.mjs";

const fail = (text) => {
  console.error(text);
  process.exit(1);
};

const tagOf = (name) => `openshift.io/cloud-credential-operator/${name}`;

export function ccoctl(args) {
  const { unknown, flags, words } = parseFlags(args, {
    values: [
      "name",
      "region",
      "credentials-requests-dir",
      "output-dir",
      "resource-group-name",
      "permissions-boundary-arn",
    ],
    switches: ["create-private-s3-bucket", "force"],
  });
  if (unknown) fail(`Error: unknown flag: --${unknown}`);
  const command = words.join(" ");
  const fault = faultAt(`ccoctl ${command}`, "start");
  if (fault) fail((fault.log ?? ["failed"]).join("\n"));
  if (!flags.name) fail('Error: required flag(s) "name" not set');
  switch (command) {
    case "aws create-all":
      if (!flags.region) fail('Error: required flag(s) "region" not set');
      return create(flags, ["oidc-provider", "oidc-bucket", "iam-role-ingress"]);
    case "ibmcloud create-service-id":
      return create(flags, ["service-id-ingress"]);
    case "aws delete":
    case "ibmcloud delete-service-id":
      for (const resource of cloud.matching([{ [tagOf(flags.name)]: "owned" }])) cloud.remove(resource);
      return;
    default:
      fail(`Error: unknown command "${command}" for "ccoctl"`);
  }
}

function create(flags, names) {
  const requests = readdirSync(flags["credentials-requests-dir"]);
  if (requests.length === 0) fail("no CredentialsRequests found");
  for (const name of names) {
    cloud.put({ infraID: flags.name, name, type: "iam", tags: { [tagOf(flags.name)]: "owned" } });
  }
  const out = flags["output-dir"];
  mkdirSync(join(out, "manifests"), { recursive: true });
  mkdirSync(join(out, "tls"), { recursive: true });
  writeFileSync(join(out, "serviceaccount-signer.private"), "not for the cluster\n");
  writeFileSync(join(out, "manifests", "openshift-ingress-credentials.yaml"), "kind: Secret\n");
  writeFileSync(
    join(out, "tls", "bound-service-account-signing-key.key"),
    "-----BEGIN RSA PRIVATE KEY-----\nsimulated\n",
  );
}

export function oc(args) {
  const { unknown, flags, words } = parseFlags(args, {
    values: ["to", "registry-config", "cloud", "install-config"],
    switches: ["credentials-requests", "included"],
  });
  if (unknown) fail(`error: unknown flag: --${unknown}`);
  const [verb, noun, action, image] = words;
  if (verb !== "adm" || noun !== "release" || action !== "extract" || !image) fail("error: unknown command");
  if (!JSON.parse(readFileSync(flags["registry-config"], "utf8")).auths) fail("error: unauthorized");
  mkdirSync(flags.to, { recursive: true });
  writeFileSync(join(flags.to, "0000_50_ingress_credentials.yaml"), "kind: CredentialsRequest\n");
}

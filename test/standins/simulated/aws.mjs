/**
 * Who the installer is to AWS, found as AWS' SDKs for Go find it (tried with versions 1.44 and 2 1.17): keys in the
 * environment come before any profile, and a profile's own keys before its `credential_process`, which a shell runs.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export function awsKeys() {
  const { env } = process;
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = env;
    return { AccessKeyId: AWS_ACCESS_KEY_ID, SecretAccessKey: AWS_SECRET_ACCESS_KEY, SessionToken: AWS_SESSION_TOKEN };
  }
  const name = env.AWS_PROFILE ?? "default";
  const shared = profile(env.AWS_SHARED_CREDENTIALS_FILE ?? join(homedir(), ".aws", "credentials"), name);
  const config = profile(env.AWS_CONFIG_FILE ?? join(homedir(), ".aws", "config"), `profile ${name}`);
  const found = { ...(env.AWS_SDK_LOAD_CONFIG ? config : {}), ...shared };
  if (found.aws_access_key_id) {
    return { AccessKeyId: found.aws_access_key_id, SecretAccessKey: found.aws_secret_access_key };
  }
  if (!found.credential_process) return null;
  return JSON.parse(execFileSync("sh", ["-c", found.credential_process], { encoding: "utf8" }));
}

function profile(path, wanted) {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return {};
  }
  const found = {};
  let section = "";
  for (const line of text.split("\n")) {
    const [, name] = /^\[(.+)\]$/.exec(line.trim()) ?? [];
    if (name !== undefined) section = name;
    const [, key, value] = /^(\w+)\s*=\s*(.*)$/.exec(line.trim()) ?? [];
    if (key !== undefined && section === wanted) found[key] = value;
  }
  return found;
}

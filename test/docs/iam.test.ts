/** The IAM statements of the documentation are what the code calls: nothing is missing, and nothing is given away. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageFile } from "../../src/package-root.ts";
import { blocks, page } from "./pages.ts";

/** IAM's name for a service, by its SDK client. */
const PREFIXES: Readonly<Record<string, string>> = {
  ec2: "ec2",
  "elastic-load-balancing": "elasticloadbalancing",
  "elastic-load-balancing-v2": "elasticloadbalancing",
  iam: "iam",
  "resource-groups-tagging-api": "tag",
  "route-53": "route53",
  s3: "s3",
  "secrets-manager": "secretsmanager",
  "service-quotas": "servicequotas",
  sts: "sts",
};

/**
 * Where IAM's actions are not called as the calls are: "Actions, resources, and condition keys for Amazon S3" and "… for AWS
 * Secrets Manager" in AWS's Service Authorization Reference.
 */
const RENAMED: Readonly<Record<string, readonly string[]>> = {
  "s3:ListBuckets": ["s3:ListAllMyBuckets"],
  "s3:HeadObject": ["s3:GetObject"],
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:DeleteObjects": ["s3:DeleteObject"],
  "s3:ListObjectVersions": ["s3:ListBucketVersions"],
  "s3:ListMultipartUploads": ["s3:ListBucketMultipartUploads"],
  "s3:GetPublicAccessBlock": ["s3:GetBucketPublicAccessBlock"],
  "s3:GetBucketEncryption": ["s3:GetEncryptionConfiguration"],
  "s3:GetBucketLifecycleConfiguration": ["s3:GetLifecycleConfiguration"],
  // It is made with its tag.
  "secretsmanager:CreateSecret": ["secretsmanager:CreateSecret", "secretsmanager:TagResource"],
};

const folder = packageFile("src/cloud/aws");

/** Calls that a file imports, by the client that it imports them from. */
function callsOf(file: string): string[] {
  const text = readFileSync(join(folder, file), "utf8");
  const named = (names: string, client: string): string[] =>
    [...names.matchAll(/\b(?:paginate)?([A-Z]\w+?)(?:Command)?\b/g)]
      .filter(([whole]) => /Command$|^paginate/.test(whole))
      .map(([, call]) => `${PREFIXES[client] ?? client}:${call}`);
  const fixed = [...text.matchAll(/import \{([^}]*)\} from "@aws-sdk\/client-([\w-]+)"/g)].flatMap(
    ([, names = "", client = ""]) => named(names, client),
  );
  const [, late = ""] = /=> import\("@aws-sdk\/client-([\w-]+)"\)/.exec(text) ?? [];
  const loaded = [...text.matchAll(/const \{([^}]*)\} = await load\(\)/g)].flatMap(([, names = ""]) =>
    named(names, late),
  );
  const both = [...text.matchAll(/const \[\{([^}]*)\}, [^\]]*\] = await Promise\.all\(\[load\(\)/g)].flatMap(
    ([, names = ""]) => named(names, late),
  );
  return [...fixed, ...loaded, ...both].flatMap((call) => RENAMED[call] ?? [call]);
}

const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
const callsIn = (is: (file: string) => boolean): Set<string> => new Set(files.filter(is).flatMap(callsOf));

const isRemoval = (file: string): boolean => file.startsWith("destroy-");
const isStore = (file: string): boolean => /^(s3-|secrets-manager|bucket-check)/.test(file);
const isCleanUp = (file: string): boolean => file === "dns-cleanup.ts";

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
}

const statements = new Map(
  blocks(page("docs/openshift.md"))
    .filter(({ info, text }) => info === "json" && text.includes('"Sid"'))
    .flatMap(({ text }): readonly Statement[] => {
      const read = JSON.parse(text) as Statement | { readonly Statement: readonly Statement[] };
      return "Statement" in read ? read.Statement : [read];
    })
    .map(({ Sid, Action }) => [Sid, new Set([Action].flat())] as const),
);
const granted = (...sids: readonly string[]): string[] =>
  sids.flatMap((sid) => [...(statements.get(sid) ?? new Set([`no statement ${sid}`]))]).sort();

describe("what the documentation grants", () => {
  const looks = callsIn((file) => !isRemoval(file) && !isStore(file) && !isCleanUp(file));

  test("for looks and preflight is what these call", () => {
    expect(looks.size).toBeGreaterThan(30);
    expect(granted("Look")).toEqual([...looks].sort());
    expect(granted("Look").filter((action) => !/:(Describe|Get|List)/.test(action))).toEqual([]);
  });

  test("for left-over records is the one call that changes something", () => {
    const changes = [...callsIn(isCleanUp)].filter((action) => !looks.has(action));
    expect(granted("LeftOverRecords")).toEqual(changes);
  });

  test("for orphans is what their removal calls besides", () => {
    const removals = [...callsIn(isRemoval)].filter((action) => !looks.has(action));
    // A version is deleted by the same call as the newest one.
    expect(granted("RemoveOrphans")).toEqual([...removals, "s3:DeleteObjectVersion"].sort());
  });

  test("for stores is what these call, their parts and their key", () => {
    const upload = ["s3:AbortMultipartUpload"];
    const key = ["kms:Decrypt", "kms:GenerateDataKey"];
    expect(granted("Bucket", "Objects", "Secrets", "Key")).toEqual([...callsIn(isStore), ...upload, ...key].sort());
    expect(granted("Labkeeper")).toEqual(key);
  });
});

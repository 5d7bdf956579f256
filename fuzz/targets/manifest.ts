import { join } from "node:path";
import { readKubeconfig } from "../../src/core/openshift/kubeconfig.ts";
import { idsFromState, parseMetadata } from "../../src/core/openshift/metadata.ts";
import { manifestText, parseManifest } from "../../src/core/snapshot.ts";
import { must, type Target, textOf } from "../target.ts";

const SHA = "a".repeat(64);
const FOLDER = "/some/folder";

/** What comes back from the artifact store: manifests, metadata, kubeconfigs. Refused or safe. */
export const manifest: Target = {
  name: "manifest",
  seeds: [
    manifestText([{ path: "auth/kubeconfig", sha256: SHA, size: 3 }]),
    '{"clusterName":"demo","clusterID":"0000-1111","infraID":"demo-abcde","aws":{"region":"us-east-1","identifier":[{"kubernetes.io/cluster/demo-abcde":"owned"}]}}',
    "apiVersion: v1\nclusters:\n- name: demo\n  cluster: {server: https://api.demo.example.com:6443, certificate-authority-data: YQ==}\nusers:\n- name: admin\n  user: {client-certificate-data: YQ==, client-key-data: YQ==}\n",
    '{"*installconfig.ClusterID":{"UUID":"0000","InfraID":"demo-abcde"}}',
  ],
  dictionary: [
    '"path":',
    '"../',
    '"/etc/',
    '"sha256":',
    '"size":',
    "infraID",
    "clusterID",
    "__proto__",
    "*",
    "\\u0000",
    "server: ",
  ],
  run(input) {
    const text = textOf(input);
    const parsed = parseManifest(text);
    if ("files" in parsed)
      for (const { path } of parsed.files)
        must(join(FOLDER, path).startsWith(`${FOLDER}/`), "a file of a snapshot lies outside of its folder");
    else must(parsed.problem !== "", "a manifest is refused without a reason");
    const metadata = parseMetadata(text);
    must("metadata" in metadata || metadata.problem !== "", "metadata is refused without a reason");
    const ids = idsFromState(text);
    must(ids === null || ids.infraId !== "", "an infraID is empty");
    const access = readKubeconfig(text);
    must("access" in access || access.problem !== "", "a kubeconfig is refused without a reason");
  },
};

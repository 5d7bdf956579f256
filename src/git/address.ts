import { fileURLToPath } from "node:url";
import { LabkeeperError } from "../errors.ts";

/** Where a catalog is: an http(s) URL without credentials, or a folder on this machine. */
export type CatalogAddress =
  | { readonly kind: "remote"; readonly url: string }
  | { readonly kind: "local"; readonly path: string };

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** git's short form of ssh addresses, `[user@]host:path`; one letter before the colon is a Windows drive. */
const SCP_LIKE = /^[^/\\:\s]{2,}:/;

const refuse = (detail: string, remedy?: string): never => {
  throw new LabkeeperError("LK1005", detail, remedy === undefined ? {} : { remedy });
};

/**
 * Reads LABKEEPER_CATALOG. Throws LK1005 for anything but a path, `file://` or http(s) without credentials, query and
 * fragment; the message never repeats what may be a secret.
 */
export function parseAddress(address: string): CatalogAddress {
  if (address.trim() === "" || address.includes("\0")) return refuse("it is empty or contains NUL");
  const scheme = SCHEME.exec(address)?.[1]?.toLowerCase();
  if (scheme === undefined) {
    if (SCP_LIKE.test(address)) {
      return refuse("ssh addresses are not supported", "Use the repository's https URL, or a path on this machine.");
    }
    return { kind: "local", path: address };
  }
  if (scheme === "file") return localFromUrl(address);
  if (scheme !== "http" && scheme !== "https") return refuse(`${scheme}:// is not supported`);
  if (!URL.canParse(address)) return refuse("it is not a valid URL");
  const url = new URL(address);
  if (url.username !== "" || url.password !== "") {
    return refuse(
      `the URL of ${url.host} carries a user name or a password`,
      "Take them out of the URL; give a token in GITHUB_TOKEN.",
    );
  }
  if (url.search !== "" || url.hash !== "") return refuse(`the URL of ${url.host} has a query or a fragment`);
  return { kind: "remote", url: url.href.replace(/(?<!\/)\/+$/, "") };
}

function localFromUrl(address: string): CatalogAddress {
  try {
    return { kind: "local", path: fileURLToPath(address) };
  } catch (cause) {
    throw new LabkeeperError("LK1005", "the file:// URL does not name a folder on this machine", { cause });
  }
}

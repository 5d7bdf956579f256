import { fileURLToPath } from "node:url";

/**
 * Program and first arguments of the shipped `local-postgres` provisioner; the exec contract adds the verb.
 * From source it is the file beside this one, built it is an entry of its own beside the bundle.
 * `sharedDir`: where a lab goes when Postgres cannot reach its work folder (default /var/lib/labkeeper, as root only).
 */
export function localPostgresCommand(options: { readonly sharedDir?: string } = {}): string[] {
  const program = import.meta.url.endsWith(".ts") ? "./main.ts" : "./local-postgres.js";
  const shared = options.sharedDir === undefined ? [] : ["--shared-dir", options.sharedDir];
  return [process.execPath, fileURLToPath(new URL(program, import.meta.url)), ...shared];
}

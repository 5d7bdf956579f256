/** A process that puts one secret: `node secret-writer.ts ROOT KEY_FILE KEY`. */

import { credentials } from "../../src/core/credentials.ts";
import { folderSecrets } from "../../src/local/secrets.ts";

const [, , root = "", keyFile = "", key = ""] = process.argv;
await folderSecrets({ root, keyFile }).put(key, credentials({ password: "from a process of its own" }));

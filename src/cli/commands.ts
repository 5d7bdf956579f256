import type { Register } from "./context.ts";
import { register as control } from "./control.ts";
import { register as credentials } from "./credentials.ts";
import { register as demo } from "./demo.ts";
import { register as doctor } from "./doctor.ts";
import { register as explain } from "./explain.ts";
import { register as github } from "./github.ts";
import { register as logs } from "./logs.ts";
import { register as migrate } from "./migrate.ts";
import { register as orphans } from "./orphans.ts";
import { register as reconcile } from "./reconcile.ts";
import { register as rehearse } from "./rehearse.ts";
import { register as schema } from "./schema.ts";
import { register as secrets } from "./secrets.ts";
import { register as serve } from "./serve.ts";
import { register as status } from "./status.ts";
import { register as validate } from "./validate.ts";

/** In the order in which `--help` lists them. */
export const commands: readonly Register[] = [
  validate,
  schema,
  reconcile,
  rehearse,
  serve,
  status,
  explain,
  logs,
  credentials,
  control,
  secrets,
  orphans,
  github,
  migrate,
  doctor,
  demo,
];

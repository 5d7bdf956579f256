import { provisionerContract } from "../provisioners/contract.ts";
import type { OrderChanges } from "../provisioners/lab-order.ts";
import { labOf } from "./subjects.ts";
import { world } from "./world.ts";

const template = await labOf("aws-standard");

const order = ({ id, name, spec }: OrderChanges) => ({
  ...template,
  ...(id === undefined ? {} : { id }),
  ...(name === undefined ? {} : { name }),
  spec: { ...template.spec, ...spec, tags: { ...template.spec.tags } },
});

provisionerContract("openshift", async () => {
  const made = await world();
  return {
    provisioner: made.provisioner,
    resizes: false,
    order,
    things: async () => [...new Set((await made.resources()).map(({ infraID }) => infraID))],
    [Symbol.asyncDispose]: () => made[Symbol.asyncDispose](),
  };
});

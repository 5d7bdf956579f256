import type { FreezeWindow } from "../types.ts";
import { type Rule, touchesLab } from "./rule.ts";

/** While a freeze lasts no lab is made, changed or unmade; what only changes the records goes on. */
export const freezeWindow: Rule = {
  name: "freeze-window",
  approvable: true,
  weigh: ({ policy, now }) => {
    const window = policy.guards.freezeWindows.find((each) => isOpen(each, now));
    if (window === undefined) return () => null;
    const objection = {
      message: `freeze ${window.name} lasts until ${window.to}`,
      release: "Wait for its end, or approve the change.",
    };
    return (change) => (touchesLab(change) ? objection : null);
  },
};

/** From its first moment up to, not including, its last. A time that cannot be read keeps it open: fails closed. */
const isOpen = ({ from, to }: FreezeWindow, now: Date): boolean =>
  !(now.getTime() < Date.parse(from) || now.getTime() >= Date.parse(to));

import type { PolicyChange, Review } from "../pull-request.ts";
import { valueWords } from "./changes.ts";
import { code } from "./code.ts";
import { andMore, type Part } from "./fit.ts";
import { alert } from "./fold.ts";
import { table } from "./table.ts";
import { blocks, bold, broken, EMPTY, inline, type Markdown, md, text } from "./text.ts";
import { counted } from "./words.ts";

type ProfileChange = PolicyChange["profiles"][number];

const MOST_PATHS = 10;

const profileRow = ({ name, change, liveLabs, labs }: ProfileChange): Markdown[] => {
  const named = labs.map((lab) => text(lab, 80));
  const rest = andMore(liveLabs, labs.length);
  const names = inline(rest === null || labs.length === 0 ? named : [...named, text(rest)], ", ");
  return [broken([code(name), md`${change}`]), broken([md`${counted(liveLabs, "lab")}`, names])];
};

const settingRow = ({ path, before, after }: PolicyChange["settings"][number]): Markdown[] => [
  text(path, 120),
  md`${valueWords(before, 200)} → ${bold(valueWords(after, 200))}`,
];

/** A change of the rules, which says so. Its rows are the profiles first, then the settings. */
export const policyPart = ({ policy }: Review): Part => {
  if (policy === null) return { importance: 0, items: 0, render: () => EMPTY };
  const { paths, profiles, settings } = policy;
  const items = profiles.length + settings.length;
  const files = inline(paths.slice(0, MOST_PATHS).map(code), ", ");
  const further = andMore(paths.length, Math.min(MOST_PATHS, paths.length));
  const note = alert(
    "IMPORTANT",
    md`${bold("Policy change")} in ${files}${further === null ? EMPTY : md`, ${further}`}. Labs that live keep the policy they were made with; what is made or edited from now on follows the new one.`,
  );
  return {
    importance: 65,
    items,
    render: (shown) => {
      const rest = andMore(items, shown);
      return blocks([
        note,
        table(["Profile", "Live labs made with it"], profiles.slice(0, shown).map(profileRow)),
        table(["Setting", "Before → after"], settings.slice(0, Math.max(0, shown - profiles.length)).map(settingRow)),
        rest === null ? EMPTY : md`… ${rest}.`,
      ]);
    },
  };
};

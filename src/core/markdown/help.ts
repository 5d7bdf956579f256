import { code } from "./code.ts";
import { table } from "./table.ts";
import { type Markdown, md, sourceOf } from "./text.ts";

const COMMANDS: readonly (readonly [form: string, what: string])[] = [
  ["/lab status [NAME]", "says how the labs are, or one of them"],
  ["/lab retry NAME", "tries again what failed"],
  ["/lab cancel NAME", "stops what is done to the lab and destroys it; it is not made again while its file stays"],
  ["/lab extend NAME 8h", "opens a pull request that adds to ttlHours, as far as the profile allows"],
  ["/lab destroy NAME", "opens a pull request that removes the lab's file"],
  ["/lab approve HOLD", "releases a held change; nobody approves what they asked for themselves"],
  ["/lab help", "says this"],
];

export const helpTable = (): Markdown =>
  table(
    ["Command", "Does"],
    COMMANDS.map(([form, what]) => [code(form), md`${what}`]),
  );

/** What `/lab help` answers. */
export const helpMarkdown = (): string =>
  `${sourceOf(md`${helpTable()}

One command a comment, at the beginning of a line, in a comment that is not edited afterwards. Who may is said in ${code("catalog.yaml")}; labs' owners may look after their own.`)}\n`;

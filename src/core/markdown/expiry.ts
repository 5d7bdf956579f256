import type { BoardLab } from "../pull-request.ts";
import { code } from "./code.ts";
import { pullRequestLink } from "./link.ts";
import { blocks, bold, EMPTY, heading, list, marked, md, text } from "./text.ts";
import { timeWords } from "./words.ts";

/** The comment that says, on the pull request that brought a lab, that the lab's time is nearly over. */
export const expiryMarkdown = (
  lab: BoardLab,
  { repositoryUrl }: { readonly repositoryUrl: string },
  marker: string,
): string => {
  const { name, expiresAt, expiryRequest } = lab;
  const when = expiresAt === null ? "soon" : `at ${timeWords(expiresAt)}`;
  return marked(
    marker,
    blocks([
      heading(3, md`⚠️ ${text(name, 80)} expires ${when}`),
      md`Then it is destroyed, with what is on it.`,
      list([
        md`${bold("Longer:")} ${code(`/lab extend ${name} 8h`)} opens a pull request that adds hours, as far as its profile allows.`,
        expiryRequest === null
          ? md`${bold("Now:")} remove its file, or ${code(`/lab destroy ${name}`)}.`
          : md`${bold("Now:")} merge ${pullRequestLink(repositoryUrl, expiryRequest)}, which removes its file.`,
        md`${bold("Otherwise:")} nothing to do. It is destroyed on time${expiryRequest === null ? EMPTY : md`, and the pull request then only tidies its file away`}.`,
      ]),
    ]),
  );
};

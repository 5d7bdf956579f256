/** What a review means for teams, and for how long its labs will be waited for. */

import type { Durations, Review, TeamImpact } from "../pull-request.ts";
import { code } from "./code.ts";
import { andMore, type Part } from "./fit.ts";
import { table } from "./table.ts";
import { blocks, EMPTY, heading, inline, list, type Markdown, md, text } from "./text.ts";
import { counted, durationWords, money } from "./words.ts";

type Figure = TeamImpact["labs"];

const figure = ({ before, after, limit }: Figure, shown: (value: number) => Markdown): Markdown =>
  inline([
    limit !== null && after > limit ? md`⚠️` : EMPTY,
    before === after ? shown(after) : md`${shown(before)} → ${shown(after)}`,
    limit === null ? EMPTY : md`of ${shown(limit)}`,
  ]);

const plainNumber = (value: number): Markdown => md`${value}`;

export const teamsPart = ({ teams }: Review): Part => ({
  importance: 50,
  items: teams.length,
  render: (shown) => {
    const rows = teams
      .slice(0, shown)
      .map(({ team, labs, monthly }) => [text(team, 80), figure(labs, plainNumber), figure(monthly, money)]);
    const rest = andMore(teams.length, shown);
    if (teams.length === 0) return EMPTY;
    return blocks([
      heading(4, md`Quota and budget`),
      table(["Team", "Labs", "A month, if always on"], rows),
      rest === null ? EMPTY : md`… ${rest}.`,
    ]);
  },
});

const durationLine = ({ profile, count, p50, p90 }: Durations): Markdown =>
  md`${code(profile)}: half were ready within ${durationWords(p50)}, nine of ten within ${durationWords(p90)} (the last ${counted(count, "lab")})`;

export const durationsPart = ({ durations }: Review): Part => ({
  importance: 20,
  items: durations.length,
  render: (shown) =>
    shown === 0
      ? EMPTY
      : blocks([heading(4, md`How long such labs took lately`), list(durations.slice(0, shown).map(durationLine))]),
});

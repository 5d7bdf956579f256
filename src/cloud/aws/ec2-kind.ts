/** One kind of EC2 resource that can be listed by tag. */

import type { EC2Client, Filter, Tag } from "@aws-sdk/client-ec2";
import { everyPage, given, type Look, type Page, tagRecord } from "./look.ts";
import type { Found } from "./whose.ts";

export type Item = Omit<Found, "type">;
export type FindKind = (look: Look, ec2: EC2Client, filters: Filter[]) => Promise<Item[]>;

/** The most that EC2's lists give at once. */
export const PAGE = 1000;

/** A list of EC2: `fetch` gets a page, `item` reads one entry and answers null for what is listed but gone. */
export const kind =
  <Entry>(
    fetch: (look: Look, ec2: EC2Client, filters: Filter[], NextToken: string | undefined) => Promise<Page<Entry>>,
    item: (entry: Entry) => Item | null,
  ): FindKind =>
  async (look, ec2, filters) => {
    const entries = await everyPage((token) => fetch(look, ec2, filters, token));
    return entries.map(item).filter((found) => found !== null);
  };

export const itemOf = (
  id: string | undefined,
  tags: readonly Tag[] | undefined,
  dailyCost: number | null,
  createdAt?: Date,
): Item => ({ id: given(id, "id"), tags: tagRecord(tags), dailyCost, createdAt });

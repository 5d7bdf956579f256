/**
 * What can be wrong with a document of the catalog. Part of the catalogue in `errors.ts`; it lives here because
 * `core` makes these problems and imports nothing outside itself. A person has to act on each of them.
 */
export const DOCUMENT_CODES = {
  LK2001: {
    title: "not valid YAML",
    remedy: "Fix the syntax at the place named.",
  },
  LK2002: {
    title: "YAML feature is not allowed",
    remedy: "Write it out in plain YAML.",
  },
  LK2003: {
    title: "file is not plain text of a reasonable size",
    remedy: "Use UTF-8 without NUL, at most 64 KiB.",
  },
  LK2004: {
    title: "field is not allowed, missing or of the wrong shape",
    remedy: "Follow the schema: `labkeeper schema PROFILE`.",
  },
  LK2005: {
    title: "not a plain file",
    remedy: "Replace the symlink or submodule by a file.",
  },
  LK2006: {
    title: "file or folder name is not allowed",
    remedy: "Name it labs/TEAM/NAME.yaml, each a DNS label.",
  },
  LK2007: {
    title: "file, folder and metadata disagree",
    remedy: "Make the folder the team and the file name the lab's name.",
  },
  LK2008: {
    title: "version must be quoted",
    remedy: "Write it in quotes: YAML reads 4.20 as the number 4.2.",
  },
  LK2101: {
    title: "profile is unknown",
    remedy: "Use a profile that the catalog or labkeeper ships.",
  },
  LK2102: {
    title: "profile is disabled",
    remedy: "Choose an enabled profile.",
  },
  LK2103: {
    title: "value is not allowed by the profile",
    remedy: "Choose one of the values that the profile allows.",
  },
  LK2201: {
    title: "name is used twice",
    remedy: "Give each lab a name of its own.",
  },
  LK2202: {
    title: "team is unknown",
    remedy: "Add the team to catalog.yaml or use one that is there.",
  },
  LK2203: {
    title: "team may not use this profile",
    remedy: "Choose one of the team's profiles, or ask for it in catalog.yaml.",
  },
  LK2204: {
    title: "team's quota is exceeded",
    remedy: "Remove a lab of the team, or raise the quota in catalog.yaml.",
  },
  LK2205: {
    title: "immutable field is changed",
    remedy: "Add a new lab and remove the old one, or have the replacement approved after the merge.",
  },
  LK2301: {
    title: "catalog.yaml is missing or unusable",
    remedy: "Add a catalog.yaml; labs stay as they are.",
  },
  LK2302: {
    title: "profile file is unusable",
    remedy: "Fix the profile; labs that use it stay as they are.",
  },
} as const satisfies Record<string, { readonly title: string; readonly remedy: string }>;

export type DocumentCode = keyof typeof DOCUMENT_CODES;

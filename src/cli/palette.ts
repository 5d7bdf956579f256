import { escapeTerminal } from "../core/render-escape.ts";

export interface Palette {
  readonly enabled: boolean;
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

/** ANSI SGR codes, or nothing at all. */
export const palette = (enabled: boolean): Palette => {
  const style = (open: number, close: number) => (text: string) =>
    enabled ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return {
    enabled,
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  };
};

/** Text from a catalog, a provisioner or a log, safe on a terminal; keeps its lines and tabs. */
export const plain = (text: string): string =>
  text
    .split(/\r?\n/)
    .map((line) => line.split("\t").map(escapeTerminal).join("\t"))
    .join("\n");

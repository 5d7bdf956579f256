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

// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the point
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from a catalog, a provisioner or a log, safe on a terminal: control characters and direction
 * overrides show as their code instead of moving the cursor or colouring what follows. Keeps newline and tab.
 */
export const plain = (text: string): string =>
  text.replace(/\r\n/g, "\n").replace(CONTROL, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${code}`;
  });

/** The same on one line. */
export const plainLine = (text: string): string => plain(text).replace(/\s*\n\s*/g, " ");

import { randomUUID } from "node:crypto";

/**
 * One output for the file that GITHUB_OUTPUT names. The value may hold anything: it ends at a delimiter that nobody can
 * know before. https://docs.github.com/actions/reference/workflow-commands-for-github-actions#multiline-strings
 */
export const outputEntry = (name: string, value: string, random: () => string = randomUUID): string => {
  let delimiter = `labkeeper_${random()}`;
  while (value.includes(delimiter)) delimiter = `labkeeper_${random()}`;
  return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
};

import type { GitHubOptions } from "../new-world.ts";
import { type GitHubFacade, startGitHub } from "../start.ts";
import { githubDescription } from "./description.ts";

/** The stand-in, with everything that passes through it held against GitHub's own OpenAPI description. */
export const startCheckedGitHub = (options: GitHubOptions = {}): Promise<GitHubFacade> =>
  startGitHub({ ...options, description: githubDescription() });

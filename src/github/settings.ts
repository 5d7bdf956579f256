import type { Credentials } from "../ports.ts";

/** How GitHub is asked, and as whom. */
export interface GithubSettings {
  /** Without a slash at its end: `https://api.github.com`, `https://HOST/api/v3`. */
  readonly apiUrl: string;
  /** `https://github.com`, `https://HOST` */
  readonly webUrl: string;
  readonly repository: { readonly owner: string; readonly name: string };
  readonly credentials: AppCredentials | TokenCredentials;
  readonly version: string;
  /** Writes at least a second apart, those that notify people three: what GitHub asks of its clients. */
  readonly paced: boolean;
  /** Of one request, milliseconds. Default 30,000. */
  readonly timeoutMs?: number;
  /** Before the first repetition of what may be repeated, milliseconds; the second waits four times as long. Default 1,000. */
  readonly retryMs?: number;
}

export interface AppCredentials {
  readonly kind: "app";
  readonly appId: string;
  /** Null: found by the repository. */
  readonly installationId: number | null;
  /** Has `privateKey`, PEM. */
  readonly secrets: Credentials;
}

export interface TokenCredentials {
  readonly kind: "token";
  /** Has `token`. */
  readonly secrets: Credentials;
}

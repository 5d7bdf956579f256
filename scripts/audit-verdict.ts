/** What `npm audit --json` says, in the format of its version 2 reports; anything else is no answer. */
interface Report {
  readonly auditReportVersion?: number;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity?: string; readonly range?: string }>>;
}

export interface Verdict {
  /** 0: none known. 1: some are. 2: nobody knows. */
  readonly exitCode: 0 | 1 | 2;
  readonly lines: readonly string[];
}

const parsed = (text: string): Report | null => {
  try {
    return JSON.parse(text) as Report | null;
  } catch {
    return null;
  }
};

export const verdictOf = (answer: string): Verdict => {
  const report = parsed(answer);
  if (report?.auditReportVersion !== 2 || report.vulnerabilities === undefined) {
    const why = (report?.message ?? report?.error?.summary) || "it gave no report";
    return {
      exitCode: 2,
      lines: [`The registry does not answer audits: ${why}`, "Nothing is known; ask another one."],
    };
  }
  const found = Object.entries(report.vulnerabilities);
  if (found.length === 0) return { exitCode: 0, lines: ["No known vulnerabilities."] };
  return {
    exitCode: 1,
    lines: found.map(([name, { severity, range }]) => `${name} ${range ?? ""}: ${severity ?? "of unknown severity"}`),
  };
};

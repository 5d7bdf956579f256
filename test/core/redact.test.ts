import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { REDACTED, redactor, streamRedactor } from "../../src/core/redact.ts";

const PEM = [
  "-----BEGIN RSA PRIVATE KEY-----",
  "MIIEowIBAAKCAQEAx8mTu2pqLk",
  "c3VwZXItc2VjcmV0LWtleS1kYXRh",
  "-----END RSA PRIVATE KEY-----",
].join("\n");

describe("what nobody told us is a secret", () => {
  const hide = redactor([]);
  const cases: [text: string, expected: string][] = [
    ['user: "kubeadmin", and password: "Ab2cd-Ef3gh-iJ4kl-mN5op"', `user: "kubeadmin", and password: "${REDACTED}"`],
    ["it is Ab2cd-Ef3gh-iJ4kl-mN5op here", `it is ${REDACTED} here`],
    ["key AKIAIOSFODNN7EXAMPLE used", `key ${REDACTED} used`],
    ["aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", `aws_secret_access_key = ${REDACTED}`],
    ['"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG"', `"SecretAccessKey": "${REDACTED}"`],
    ["Authorization: Bearer abc.def-123456", `Authorization: Bearer ${REDACTED}`],
    ["authorization: basic dXNlcjpwYXNz", `authorization: basic ${REDACTED}`],
    ["postgres://user:p@ss:w@host:5432/db?x=1", `postgres://user:${REDACTED}@host:5432/db?x=1`],
    ["postgres://:pw@host/db", `postgres://:${REDACTED}@host/db`],
    ["PGPASSWORD=hunter2 psql", `PGPASSWORD=${REDACTED} psql`],
    ['{\\"password\\":\\"hunter2\\"}', `{\\"password\\":\\"${REDACTED}\\"}`],
    ['{"auths":{"quay.io":{"auth":"dXNlcjpwYXNzd29yZA=="}}}', `{"auths":{"quay.io":{"auth":"${REDACTED}"}}}`],
    [`token ghp_${"a1".repeat(18)} end`, `token ${REDACTED} end`],
    [`${`eyJ${"h".repeat(30)}.${"p".repeat(40)}.sig`} end`, `${REDACTED} end`],
    [`before\n${PEM}\nafter`, `before\n${REDACTED}\nafter`],
    [JSON.stringify({ key: PEM }), `{"key":"${REDACTED}"}`],
  ];
  it.each(cases)("hides %s", (text, expected) => {
    expect(hide(text)).toBe(expected);
    expect(hide(expected)).toBe(expected);
  });

  it.each([
    "lab alpha-bravo-delta-lab01 is ready",
    "http://localhost:8080/path?at=me@example.com",
    "2026-03-01T12:00:00Z step install 40 %",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "id 0198c0de-7d3a-7cc0-8000-1234567890ab",
  ])("leaves %s alone", (text) => expect(hide(text)).toBe(text));

  it("hides a private key that is cut off, and shows what comes long after it", () => {
    expect(hide(`a\n${PEM.slice(0, 60)}`)).toBe(`a\n${REDACTED}`);
    const shown = hide(`${PEM.slice(0, 60)}${"x\n".repeat(10_000)}the end`);
    expect(shown.startsWith(REDACTED)).toBe(true);
    expect(shown.endsWith("the end")).toBe(true);
  });
});

describe("what we were told", () => {
  const secret = 'pä"ss/w0rd & more?';
  const hide = redactor([secret]);
  const forms = [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    Buffer.from(secret).toString("base64"),
    Buffer.from(secret).toString("base64url"),
  ];
  it.each(forms)("is hidden as %s", (form) => expect(hide(`<${form}>`)).toBe(`<${REDACTED}>`));

  it("is hidden inside a longer base64 text, whatever stands before it", () => {
    for (const user of ["u", "us", "use", "user"]) {
      const text = hide(Buffer.from(`${user}:${secret}:end`).toString("base64"));
      expect(text).toContain(REDACTED);
      expect(Buffer.from(text.replace(REDACTED, ""), "base64").toString()).not.toContain("ss/w0rd");
    }
  });

  it("is hidden whole when it begins with another secret", () => {
    expect(redactor(["hunter", "hunter2-and-more"])("x hunter2-and-more hunter y")).toBe(`x ${REDACTED} ${REDACTED} y`);
  });

  it("is hidden although it has several lines", () => {
    expect(redactor(["first: line\nsecond: line\n"])("a\nfirst: line\nsecond: line\nb")).toBe(`a\n${REDACTED}b`);
  });

  it("may hold any character without breaking the others", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: "binary", minLength: 4 }), { maxLength: 4 }),
        fc.string(),
        (secrets, text) => {
          const shown = redactor(secrets)(`${text}${secrets.join(text)}${text}`);
          for (const each of secrets)
            if (!REDACTED.includes(each)) expect(shown.split(REDACTED).join("\n\n")).not.toContain(each);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe("text in pieces", () => {
  const secrets = ["hunter2!", "multi\nline\nsecret", "aaaaab"];
  const part = fc.oneof(
    fc.constantFrom(
      ...secrets,
      PEM,
      "aaaaa",
      "hunt",
      "password: x",
      "AKIAIOSFODNN7EXAMPLE",
      "Ab2cd-Ef3gh-iJ4kl-mN5op",
      "postgres://u:pw@h/d",
      "-----BEGIN PRIVATE KEY-----",
      "-----END PRIVATE KEY-----",
      "Bearer abcdefgh",
      "\n",
      "\r\n",
      " ",
      "multi\nline\n",
    ),
    fc.string({ maxLength: 8 }),
  );
  const text = fc.array(part, { maxLength: 20 }).map((parts) => parts.join(""));

  it("comes out the same wherever it is cut, and never shows a secret", () => {
    fc.assert(
      fc.property(text, fc.array(fc.nat(60), { maxLength: 40 }), (whole, sizes) => {
        const stream = streamRedactor(secrets);
        let shown = "";
        let rest = whole;
        for (const size of sizes) {
          shown += stream.push(rest.slice(0, size));
          rest = rest.slice(size);
          for (const secret of secrets) expect(shown).not.toContain(secret);
        }
        shown += stream.push(rest) + stream.flush();
        expect(shown).toBe(redactor(secrets)(whole));
      }),
      { numRuns: 1_000 },
    );
  });

  it("is the same for every single cut of every kind of secret", () => {
    const whole = `a hunter2! b\n${PEM}\nmulti\nline\nsecret\naws AKIAIOSFODNN7EXAMPLE postgres://u:pw@h:1/d\naaaaaaab\n`;
    const expected = redactor(secrets)(whole);
    expect(expected).toBe(
      `a ${REDACTED} b\n${REDACTED}\n${REDACTED}\naws ${REDACTED} postgres://u:${REDACTED}@h:1/d\naa${REDACTED}\n`,
    );
    for (let cut = 0; cut <= whole.length; cut++) {
      const stream = streamRedactor(secrets);
      expect(stream.push(whole.slice(0, cut)) + stream.push(whole.slice(cut)) + stream.flush(), `cut at ${cut}`).toBe(
        expected,
      );
    }
  });

  it("never shows what base64 of any kind holds, wherever the secret begins and the pieces end", () => {
    const long = "correct-horse-battery";
    const around = fc.string({ maxLength: 12 });
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(
        around,
        around,
        fc.constantFrom<BufferEncoding>("base64", "base64url"),
        sizes,
        (before, after, how, cuts) => {
          const plain = `${before}${long}${after}`;
          const text = `log ${Buffer.from(plain).toString(how)} end\n`;
          const stream = streamRedactor([long]);
          let shown = "";
          for (let at = 0, turn = 0; at < text.length; turn++) {
            const size = cuts[turn % cuts.length] ?? 1;
            shown += stream.push(text.slice(at, at + size));
            at += size;
          }
          shown += stream.flush();
          expect(shown).toContain(REDACTED);
          // No six characters of the secret can be read back from any run of what is left.
          for (const run of shown.split(/[^\w+/-]+/)) {
            for (const skip of [0, 1, 2, 3]) {
              const back = Buffer.from(run.slice(skip), how).toString("latin1");
              for (let at = 0; at + 6 <= long.length; at++) expect(back).not.toContain(long.slice(at, at + 6));
            }
          }
          expect(shown).toBe(redactor([long])(text));
        },
      ),
      { numRuns: 200 },
    );
  });

  it("hides any secret in any of its forms, one character at a time", () => {
    const secret = fc
      .string({ unit: "grapheme", minLength: 6, maxLength: 24 })
      .filter((text) => text.trim().length >= 6);
    fc.assert(
      fc.property(secret, fc.nat(4), (each, kind) => {
        const forms = [
          each,
          JSON.stringify(each).slice(1, -1),
          encodeURIComponent(each.toWellFormed()),
          Buffer.from(each).toString("base64"),
          Buffer.from(each).toString("base64url"),
        ];
        const form = forms[kind] ?? each;
        const stream = streamRedactor([each]);
        const shown = [...`a ${form} b`].map((letter) => stream.push(letter)).join("") + stream.flush();
        expect(shown.split(REDACTED).join("\n\n")).not.toContain(form);
      }),
      { numRuns: 200 },
    );
  });

  it("gives a complete line out at once", () => {
    expect(streamRedactor(secrets).push("installing 40 %\n")).toBe("installing 40 %\n");
    expect(streamRedactor(secrets).push("40 %\r50 %")).toBe("40 %\r");
  });

  it("can go on after a flush", () => {
    const stream = streamRedactor(secrets);
    expect(stream.push("x hunter") + stream.flush()).toBe("x hunter");
    expect(stream.push("2! hunter2!") + stream.flush()).toBe(`2! ${REDACTED}`);
  });

  it.each([
    ["unfinished keys", "-----BEGIN PRIVATE KEY-----"],
    ["addresses", "://a:"],
    ["dashes", "Abcde-"],
    ["one long line", "x"],
    ["passwords", "password="],
    ["tokens", "eyJ"],
  ])("takes time linear in %s", (_, unit) => {
    const hide = redactor(["hunter2-hunter2-hunter3"]);
    const time = (count: number): number => {
      const long = unit.repeat(count);
      const before = performance.now();
      hide(long);
      return performance.now() - before;
    };
    time(1_000);
    expect(time(Math.floor(1_000_000 / unit.length))).toBeLessThan(2_000);
  });
});

import { redactor, streamRedactor } from "../../src/core/redact.ts";
import { redactText } from "../../src/log.ts";
import { must, type Target, textOf } from "../target.ts";

const SECRETS = ["correct-horse-battery", "aaaaaaab", 'q"\\x', "Zwölf Boxkämpfer", "first line\nsecond line"];
const whole = redactor(SECRETS);

/** Logs without secrets: none of ours is left, however the text comes in pieces. */
export const redact: Target = {
  name: "redact",
  seeds: [
    `password=${SECRETS[0]} and ${SECRETS[1]} in ${Buffer.from(SECRETS[0] ?? "").toString("base64")}\n`,
    '{"auths":{"quay.io":{"auth":"dXNlcjpwYXNzd29yZA==","email":"a@b.c"}}}\nhttps://user:pass@example.com/x\n',
    "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----\nafter\n",
    "AKIAIOSFODNN7EXAMPLE ghp_0123456789abcdefghijABCDEFGHIJ eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc Bearer abcdefghijkl",
    'level=info msg="Login to the console with user: \\"kubeadmin\\", and password: \\"aBcDe-FgHiJ-kLmNo-PqRsT\\""',
  ],
  dictionary: [
    ...SECRETS,
    ...SECRETS.map((secret) => Buffer.from(secret).toString("base64")),
    ...SECRETS.map((secret) => encodeURIComponent(secret)),
    ...["password: ", "Bearer ", "Authorization: Basic ", '"auth":"', "://", "@", "AKIA", "ghp_", "eyJ", "[redacted]"],
    ...[
      "-----BEGIN PRIVATE KEY-----",
      "-----END PRIVATE KEY-----",
      "\n",
      "\r",
      "aaaaaaa",
      "correct-horse-",
      "first line\n",
    ],
  ],
  run(input) {
    const text = textOf(input);
    const clean = whole(text);
    for (const secret of SECRETS) must(!clean.includes(secret), `${JSON.stringify(secret)} is left`);
    const stream = streamRedactor(SECRETS);
    const cut = 1 + (input.length % 97);
    let pieces = "";
    for (let at = 0; at < text.length; at += cut) pieces += stream.push(text.slice(at, at + cut));
    pieces += stream.flush();
    must(pieces === clean, "pieces are redacted otherwise than the whole");
    must(!/:\/\/[^\s/@"']+:[^\s/@"']+@/.test(redactText(text)), "a password in a URL is left");
  },
};

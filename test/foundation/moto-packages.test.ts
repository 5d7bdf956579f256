import { expect, test } from "vitest";
import { sourceOf } from "../../scripts/moto-packages.ts";

const deb822 = `Types: deb
# a comment
URIs: http://one.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://one.example/debian-security
Suites: bookworm-security
Components: main
`;

test.each([
  [
    "deb822",
    deb822,
    { uri: "http://one.example/debian", signedBy: "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]" },
  ],
  [
    "one line",
    "deb http://two.example/debian bookworm main contrib\n",
    { uri: "http://two.example/debian", signedBy: "" },
  ],
  [
    "one line with options",
    "# x\ndeb [arch=amd64 signed-by=/k.gpg] https://two.example/debian bookworm main",
    { uri: "https://two.example/debian", signedBy: "[signed-by=/k.gpg]" },
  ],
  [
    "a key in the file itself",
    deb822.replace(/^Signed-By: .*/m, "Signed-By:\n -----BEGIN"),
    { uri: "http://one.example/debian", signedBy: "" },
  ],
  ["another product's list", "deb https://other.example/apt stable main\n", null],
  ["sources only", "deb-src http://two.example/debian bookworm main\n", null],
  ["nothing", "", null],
])("the machine's own mirror is found in %s", (_name, text, expected) => {
  expect(sourceOf(text, "bookworm")).toEqual(expected);
});

import { describe, expect, it } from "vitest";
import { parseAddress } from "../../src/git/address.ts";

describe("a catalog's address", () => {
  it.each([
    ["https://github.com/acme/labs.git", { kind: "remote", url: "https://github.com/acme/labs.git" }],
    ["https://github.com/acme/labs/", { kind: "remote", url: "https://github.com/acme/labs" }],
    ["HTTP://localhost:8080/x.git", { kind: "remote", url: "http://localhost:8080/x.git" }],
    ["/srv/labs.git", { kind: "local", path: "/srv/labs.git" }],
    [".", { kind: "local", path: "." }],
    ["labs catalog", { kind: "local", path: "labs catalog" }],
    ["./a:b", { kind: "local", path: "./a:b" }],
    ["file:///srv/labs.git", { kind: "local", path: "/srv/labs.git" }],
  ])("%s is understood", (text, expected) => {
    expect(parseAddress(text)).toEqual(expected);
  });

  it.each([
    "",
    "  ",
    "/srv\0/x",
    "ssh://git@github.com/acme/labs.git",
    "git://example.com/labs.git",
    "git@github.com:acme/labs.git",
    "github.com:acme/labs.git",
    "https://",
    "https://github.com/acme/labs?token=secret",
    "https://github.com/acme/labs#secret",
    "https://secret@github.com/acme/labs",
    "https://user:secret@github.com/acme/labs",
    "file://other-host/srv",
  ])("%j is refused without repeating what may be a secret", (text) => {
    expect(() => parseAddress(text)).toThrow(expect.objectContaining({ code: "LK1005", disposition: "stop" }));
    expect(() => parseAddress(text)).not.toThrow(/secret/);
  });
});

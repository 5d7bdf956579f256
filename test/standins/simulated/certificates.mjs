/** X.509 certificates by hand, because node:crypto reads but does not make them. P-256 and SHA-256 (RFC 5280, RFC 5480). */

import { generateKeyPairSync, randomBytes, sign } from "node:crypto";

const length = (size) => {
  if (size < 128) return Buffer.from([size]);
  const bytes = [];
  for (let rest = size; rest > 0; rest >>= 8) bytes.unshift(rest & 255);
  return Buffer.from([128 | bytes.length, ...bytes]);
};
const der = (tag, ...parts) => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(content.length), content]);
};
const sequence = (...parts) => der(0x30, ...parts);
const integer = (bytes) => der(0x02, bytes[0] & 128 ? Buffer.concat([Buffer.from([0]), bytes]) : bytes);
const oid = (hex) => der(0x06, Buffer.from(hex, "hex"));
const utf8 = (text) => der(0x0c, Buffer.from(text));
const time = (date) =>
  der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replace(/[-:T]|\.\d+/g, "")
        .slice(2, 14)}Z`,
    ),
  );
const ECDSA_SHA256 = sequence(oid("2a8648ce3d040302"));
const name = (commonName, organization) =>
  sequence(
    ...(organization ? [der(0x31, sequence(oid("55040a"), utf8(organization)))] : []),
    der(0x31, sequence(oid("550403"), utf8(commonName))),
  );
const extension = (hex, critical, value) =>
  sequence(oid(hex), ...(critical ? [der(0x01, Buffer.from([255]))] : []), der(0x04, value));
const pem = (label, bytes) =>
  `-----BEGIN ${label}-----\n${bytes.toString("base64").replace(/.{64}(?=.)/g, "$&\n")}\n-----END ${label}-----\n`;

/** `issuer` null: signs itself and may sign others. */
export function certificate({ commonName, organization, issuer, addresses = [] }) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = name(commonName, organization);
  const now = Date.now();
  const serial = randomBytes(8);
  serial[0] = (serial[0] & 127) | 1;
  const extensions = [extension("551d13", true, issuer ? sequence() : sequence(der(0x01, Buffer.from([255]))))];
  if (addresses.length > 0) {
    const names = addresses.map((address) =>
      /^\d+\.\d+\.\d+\.\d+$/.test(address)
        ? der(0x87, Buffer.from(address.split(".").map(Number)))
        : der(0x82, Buffer.from(address)),
    );
    extensions.push(extension("551d11", false, sequence(...names)));
  }
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_SHA256,
    issuer ? issuer.subject : subject,
    sequence(time(new Date(now - 3_600_000)), time(new Date(now + 86_400_000))),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", body, issuer ? issuer.privateKey : privateKey);
  const bytes = sequence(body, ECDSA_SHA256, der(0x03, Buffer.from([0]), signature));
  return {
    subject,
    privateKey,
    cert: pem("CERTIFICATE", bytes),
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
  };
}

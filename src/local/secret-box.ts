/** The sealed form of one secret file. AES-256-GCM, as NIST SP 800-38D has it: 96-bit random nonce, 128-bit tag. */

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

const MAGIC = Buffer.from("LKS1");
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = MAGIC.length + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

export const KEY_BYTES = 32;

/** Tells keys apart without telling anything about them, so that "wrong key" and "tampered with" can be told apart. */
const keyId = (key: Buffer): Buffer =>
  createHmac("sha256", key).update("labkeeper secret key id").digest().subarray(0, KEY_ID_BYTES);

/** Ties the content to its place: a file that is copied over another lab's does not open. */
const place = (name: string): Buffer => Buffer.from(`labkeeper secret v1\0${name}`);

export function seal(key: Buffer, name: string, plain: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES }).setAAD(place(name));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([MAGIC, keyId(key), nonce, cipher.getAuthTag(), sealed]);
}

export type Opened =
  | { readonly kind: "plain"; readonly plain: Buffer }
  | { readonly kind: "wrong-key" }
  | { readonly kind: "damaged" };

export function unseal(key: Buffer, name: string, file: Buffer): Opened {
  if (file.length < HEADER_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC)) return { kind: "damaged" };
  let at = MAGIC.length;
  const take = (bytes: number): Buffer => {
    at += bytes;
    return file.subarray(at - bytes, at);
  };
  if (!take(KEY_ID_BYTES).equals(keyId(key))) return { kind: "wrong-key" };
  const decipher = createDecipheriv("aes-256-gcm", key, take(NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(place(name)).setAuthTag(take(TAG_BYTES));
  try {
    return { kind: "plain", plain: Buffer.concat([decipher.update(file.subarray(at)), decipher.final()]) };
  } catch {
    return { kind: "damaged" };
  }
}

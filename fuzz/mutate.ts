/** New inputs from old ones. Everything random comes from one seeded source, so that a run can be repeated. */

export interface Material {
  readonly random: () => number;
  readonly corpus: readonly Uint8Array[];
  readonly dictionary: readonly Uint8Array[];
}

const LARGEST = 16_384;
/** Bytes that parsers stumble over. */
const AWKWARD = [
  0x00, 0x09, 0x0a, 0x0d, 0x1b, 0x22, 0x23, 0x25, 0x27, 0x2d, 0x3a, 0x5b, 0x5c, 0x60, 0x7b, 0x7f, 0x80, 0xff,
];

type Mutator = (input: Uint8Array, material: Material) => Uint8Array;

const upTo = ({ random }: Material, limit: number): number => Math.floor(random() * limit);

const pick = <T>(material: Material, items: readonly T[], otherwise: T): T =>
  items[upTo(material, items.length)] ?? otherwise;

const joined = (...parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

const place = (material: Material, input: Uint8Array): number => upTo(material, input.length + 1);

const flip: Mutator = (input, material) => {
  const copy = Uint8Array.from(input);
  const at = upTo(material, copy.length);
  if (copy[at] !== undefined) copy[at] ^= 1 << upTo(material, 8);
  return copy;
};

const overwrite: Mutator = (input, material) => {
  const copy = Uint8Array.from(input);
  if (copy.length > 0) copy[upTo(material, copy.length)] = pick(material, AWKWARD, 0);
  return copy;
};

const remove: Mutator = (input, material) => {
  const from = place(material, input);
  return joined(input.subarray(0, from), input.subarray(from + 1 + upTo(material, 16)));
};

const insertWord: Mutator = (input, material) => {
  const at = place(material, input);
  return joined(input.subarray(0, at), pick(material, material.dictionary, new Uint8Array()), input.subarray(at));
};

const repeat: Mutator = (input, material) => {
  const from = place(material, input);
  const part = input.subarray(from, from + 1 + upTo(material, 32));
  const times = 2 ** upTo(material, 9);
  return joined(input.subarray(0, from), ...Array.from({ length: times }, () => part), input.subarray(from));
};

const splice: Mutator = (input, material) => {
  const other = pick(material, material.corpus, input);
  return joined(input.subarray(0, place(material, input)), other.subarray(place(material, other)));
};

const insertPart: Mutator = (input, material) => {
  const other = pick(material, material.corpus, input);
  const from = place(material, other);
  const at = place(material, input);
  return joined(input.subarray(0, at), other.subarray(from, from + upTo(material, 64)), input.subarray(at));
};

const insertCharacter: Mutator = (input, material) => {
  const at = place(material, input);
  const code = upTo(material, upTo(material, 2) === 0 ? 0x3000 : 0x11_0000);
  return joined(input.subarray(0, at), Buffer.from(String.fromCodePoint(code)), input.subarray(at));
};

const MUTATORS = [flip, overwrite, remove, insertWord, insertWord, repeat, splice, insertPart, insertCharacter];

/** One to eight changes to some input of the corpus. */
export function mutate(material: Material): Uint8Array {
  let input = pick(material, material.corpus, new Uint8Array());
  for (let changes = 2 ** upTo(material, 4); changes > 0; changes--)
    input = pick(material, MUTATORS, flip)(input, material).subarray(0, LARGEST);
  return input;
}

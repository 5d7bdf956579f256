/**
 * Letters that most fonts draw like those of DNS labels, from Unicode's confusables for Cyrillic, Greek, Armenian and
 * Latin (UTS #39, confusables.txt); digits that pass for letters are left, since labels may have both.
 */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "аɑα",
    b: "Ьƅ",
    c: "сϲ",
    d: "ԁ",
    e: "еҽ",
    g: "ɡց",
    h: "һհ",
    i: "іıιɩ",
    j: "јϳ",
    k: "кκ",
    l: "ӏǀ",
    m: "м",
    n: "ոпη",
    o: "оοօσ",
    p: "рρ",
    q: "ԛգ",
    r: "гᴦ",
    s: "ѕꜱ",
    t: "тτ",
    u: "υսᴜ",
    v: "ѵν",
    w: "ԝѡա",
    x: "хχ",
    y: "уүγ",
    z: "ᴢ",
    "-": "‐‑‒–—−",
  }).flatMap(([letter, alike]) => [...alike].map((each) => [each, letter] as const)),
);

/**
 * What a name looks like to a person: without case, accents, invisible characters and spaces, lookalikes replaced. Two
 * names with one appearance may be meant to be the same, and file systems that fold case take them for it.
 */
export const appearance = (name: string): string =>
  [...name.normalize("NFKD").toLowerCase()]
    .filter((character) => !/[\p{M}\p{C}\s.]/u.test(character))
    .map((character) => LOOKALIKES.get(character) ?? character)
    .join("");

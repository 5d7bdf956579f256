/** As much YAML as install-config.yaml needs: block maps and lists, quoted and plain scalars. Throws on anything else. */
export function parseYaml(text) {
  const lines = text
    .split("\n")
    .map((line) => ({ indent: line.length - line.trimStart().length, text: line.trim() }))
    .filter(({ text: line }) => line !== "" && !line.startsWith("#") && line !== "---");
  let at = 0;

  const block = (indent) => (lines[at]?.text.startsWith("- ") ? list(indent) : map(indent));

  const list = (indent) => {
    const items = [];
    while (at < lines.length && lines[at].indent === indent && lines[at].text.startsWith("- ")) {
      const rest = lines[at].text.slice(2);
      if (/^("[^"]*"|[\w./-]+):(\s|$)/.test(rest)) {
        lines[at] = { indent: indent + 2, text: rest };
        items.push(map(indent + 2));
      } else {
        at++;
        items.push(scalar(rest));
      }
    }
    return items;
  };

  const map = (indent) => {
    const result = {};
    while (at < lines.length && lines[at].indent === indent) {
      const [, quoted, plain, rest] = /^(?:"([^"]*)"|([\w./@=+:-]+?)):(?:\s+(.*))?$/.exec(lines[at].text) ?? [];
      const key = quoted ?? plain;
      if (key === undefined) throw new Error(`line cannot be read: ${lines[at].text}`);
      at++;
      if (rest !== undefined) result[key] = scalar(rest);
      else result[key] = lines[at]?.indent > indent ? block(lines[at].indent) : null;
    }
    if (at < lines.length && lines[at].indent > indent) throw new Error("wrong indentation");
    return result;
  };

  const scalar = (raw) => {
    if (raw.startsWith('"')) return JSON.parse(raw);
    if (raw.startsWith("'")) return raw.slice(1, -1).replaceAll("''", "'");
    if (raw === "{}") return {};
    if (raw === "[]") return [];
    if (raw === "true" || raw === "false") return raw === "true";
    return /^-?\d+$/.test(raw) ? Number(raw) : raw;
  };

  const value = lines.length === 0 ? null : block(0);
  if (at !== lines.length) throw new Error("more than one document");
  return value;
}

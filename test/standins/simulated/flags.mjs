/** `--name value`, `--name=value`, `--switch`; what is left over are the words. */
export function parseFlags(args, { values = [], switches = [] }) {
  const flags = {};
  const words = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (!arg.startsWith("--")) {
      words.push(arg);
      continue;
    }
    const [name, given] = arg.slice(2).split(/=(.*)/s);
    if (switches.includes(name)) flags[name] = given ?? "true";
    else if (values.includes(name)) flags[name] = given ?? args[++index];
    else return { unknown: name, flags, words };
  }
  return { unknown: null, flags, words };
}

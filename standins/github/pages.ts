/** GitHub's pagination: 30 to a page, at most 100, with a Link header. */

export interface Page {
  readonly items: readonly unknown[];
  /** null: there is one page only. */
  readonly link: string | null;
}

/** `url` is the request's own, with its query; a server may have smaller pages than it is asked for. */
export function pageOf(items: readonly unknown[], url: URL, most = 100): Page {
  const size = Math.min(most, Math.max(1, Number(url.searchParams.get("per_page") ?? 30) || 30));
  const page = Math.max(1, Number(url.searchParams.get("page") ?? 1) || 1);
  const last = Math.max(1, Math.ceil(items.length / size));
  const at = (number: number): string => {
    const target = new URL(url);
    target.searchParams.set("page", String(number));
    return target.href;
  };
  const links = [
    ...(page > 1 ? [`<${at(Math.min(page - 1, last))}>; rel="prev"`] : []),
    ...(page < last ? [`<${at(page + 1)}>; rel="next"`, `<${at(last)}>; rel="last"`] : []),
    ...(page > 1 ? [`<${at(1)}>; rel="first"`] : []),
  ];
  return {
    items: items.slice((page - 1) * size, page * size),
    link: links.length === 0 ? null : links.join(", "),
  };
}

const SEGMENT = /^[A-Za-z0-9._-]{1,200}$/;

/** Where stores keep what is half-written, so never part of a key. */
export const TEMPORARY = ".tmp";

/**
 * Whether this is a key of an artifact or a secret: a relative path such as `labs/<lab-id>/<job-id>/log` of segments that
 * mean the same to a file system, to S3 and in a URL. `~` is kept free for what stores add themselves.
 */
export function isStoreKey(key: string): boolean {
  const segments = key.split("/");
  return (
    key.length <= 1000 &&
    segments.every((part) => SEGMENT.test(part) && part !== "." && part !== "..") &&
    segments[0] !== TEMPORARY
  );
}

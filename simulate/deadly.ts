/** Kills this process, as a lost machine would, at one of its calls: the nth of all, before or after it took effect. */

const { DIES_AT = "", DIES_AFTER = "" } = process.env;
const diesAt = Number(DIES_AT);

let calls = 0;

const die = (): Promise<never> => {
  process.kill(process.pid, "SIGKILL");
  return new Promise<never>(() => undefined);
};

/** The same calls, counted together with those of every other port. Listening is none. */
export const deadly = <Port extends object>(port: Port): Port =>
  new Proxy(port, {
    get(target, method) {
      const value: unknown = Reflect.get(target, method);
      if (typeof value !== "function" || method === "onWork") return value;
      return async (...args: unknown[]): Promise<unknown> => {
        calls += 1;
        const isLast = calls === diesAt;
        if (isLast && DIES_AFTER === "") await die();
        const answer: unknown = await Reflect.apply(value, target, args);
        if (isLast) await die();
        return answer;
      };
    },
  });

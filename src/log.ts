import type { LogLevel } from "./config.ts";

export type LogFields = Readonly<Record<string, unknown>>;

/** The little of pino that labkeeper uses. Fields first, then what happened, in plain words. */
export interface Log {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
}

const nothing = (): void => undefined;

export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const SECRET_KEYS = [
  "password",
  "passwd",
  "secret",
  "token",
  "kubeconfig",
  "credentials",
  "databaseUrl",
  "authorization",
  "privateKey",
];

/** User name and password inside a URL, wherever it is quoted. Up to the last `@`: a password may have one. */
const URL_CREDENTIALS = /:\/\/[^\s/"']+@/g;

export const redactText = (text: string): string => text.replace(URL_CREDENTIALS, "://[secret]@");

const errorFields = (error: unknown): LogFields => {
  if (!(error instanceof Error)) return { message: redactText(String(error)) };
  return {
    name: error.name,
    ...("code" in error ? { code: error.code } : {}),
    message: redactText(error.message),
    ...("remedy" in error ? { remedy: error.remedy } : {}),
    stack: redactText(error.stack ?? ""),
    ...(error.cause === undefined ? {} : { cause: errorFields(error.cause) }),
  };
};

/** JSON lines on stderr, secrets replaced by `[secret]`. pino is loaded only here, when something will be logged. */
export const createLog = async (level: LogLevel): Promise<Log> => {
  if (level === "silent") return silentLog;
  const { pino } = await import("pino");
  const paths = SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: "[secret]" },
      serializers: { err: errorFields, error: errorFields },
      hooks: {
        logMethod(parameters, method) {
          const [fields, message] = parameters;
          if (typeof message === "string") method.call(this, fields, redactText(message));
          else method.apply(this, parameters);
        },
      },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
  };
};

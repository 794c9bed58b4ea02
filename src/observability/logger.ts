/** Log lines as JSON, one object a line, for whatever collects the logs of pods. */
import { type Logger as Pino, pino } from 'pino';
import type { LogFacts, Logger } from '../lib/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface JsonLoggerOptions {
  /** Takes whole lines; a file descriptor is written to at once, so that a process that ends loses nothing. */
  readonly to: number | { write(line: string): void };
  /** @default info */
  readonly level?: LogLevel;
}

/** Names under which secrets travel, at any of the first three levels of a fact. Their values are never written. */
const SECRET = [
  'token',
  'password',
  'secret',
  'secretAccessKey',
  'sessionToken',
  'secretKey',
  'authorization',
] as const;
const REDACTED = SECRET.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** A logger that writes `{"time", "level", "message", …facts}`; an `error` fact becomes its type, message, code and stack. */
export function jsonLogger({ to, level = 'info' }: JsonLoggerOptions): Logger {
  const stream = typeof to === 'number' ? pino.destination({ fd: to, sync: true }) : to;
  return loggerOver(
    pino(
      {
        level,
        base: null,
        messageKey: 'message',
        errorKey: 'error',
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label }) },
        redact: { paths: REDACTED, censor: '[redacted]' },
      },
      stream,
    ),
  );
}

function loggerOver(log: Pino): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, facts: LogFacts = {}): void =>
      log[level](facts, message);
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    with: (facts) => loggerOver(log.child(facts)),
  };
}

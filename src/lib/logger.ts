/** The port for log lines: a sentence, and facts beside it that a machine can filter by. Never a secret. */

/** What a line says besides its sentence. */
export type LogFacts = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, facts?: LogFacts): void;
  info(message: string, facts?: LogFacts): void;
  warn(message: string, facts?: LogFacts): void;
  error(message: string, facts?: LogFacts): void;
  /** The same log, with these facts on every line. */
  with(facts: LogFacts): Logger;
}

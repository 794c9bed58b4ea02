/**
 * Whether what was read is a ledger, in everything that a decision reads of it. Anybody with rights on the object of a job may
 * have edited it: a ledger that is not one is said to be so, before a decision is made of half of it.
 */

import { isJobId } from './keys.ts';

/** What is wrong with a value that should be a ledger; undefined: nothing. */
export function wrongInLedger(value: unknown): string | undefined {
  return misfit(value, LEDGER);
}

type Check = (value: unknown) => boolean;
type Fields = Readonly<Record<string, Check>>;

/** No job comes as far: each attempt takes a second at least. */
const HIGHEST_ATTEMPT = 9_999_999_999;
/** The last instant whose year has four digits, as status has them. */
const LAST_INSTANT = 253_402_300_799_999;

const text: Check = (value) => typeof value === 'string';
/** Of an object in Kubernetes. */
const name: Check = (value) => typeof value === 'string' && value.length <= 253;
const count: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const instant: Check = (value) => Number.isFinite(value) && Math.abs(value as number) <= LAST_INSTANT;
const delay: Check = (value) => Number.isFinite(value) && (value as number) >= 0;
const flag: Check = (value) => typeof value === 'boolean';
const anything: Check = () => true;
const time: Check = (value) => text(value) && !Number.isNaN(Date.parse(value as string));
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const object =
  (fields: Fields): Check =>
  (value) =>
    misfit(value, fields) === undefined;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

const FAILURE: Fields = {
  time: instant,
  cause: text,
  isNew: flag,
  delayMs: delay,
  nextAt: instant,
  counters: anything,
  pod: maybe(text),
};

const ATTEMPT: Fields = {
  number: (value) => count(value) && (value as number) <= HIGHEST_ATTEMPT,
  revision: maybe(name),
  stopping: maybe(
    object({
      why: oneOf('suspend', 'upgrade', 'rollback', 'restart', 'restore', 'delete'),
      since: instant,
      triggerId: text,
    }),
  ),
  epoch: count,
  startedAt: instant,
  reported: maybe(object({ at: instant, epoch: count, cause: text, code: maybe(text), suppressRestarts: maybe(flag) })),
  end: maybe(
    object({
      how: oneOf('finished', 'failed', 'replaced', 'crashed'),
      at: instant,
      cause: text,
      code: maybe(text),
      savepoint: maybe(text),
    }),
  ),
  failures: listOf(object(FAILURE)),
};

const LEDGER: Fields = {
  version: (value) => value === 1,
  attempts: listOf(object(ATTEMPT)),
  restarts: count,
  restartStrategyInCode: maybe(object({ type: oneOf('none', 'fixedDelay', 'failureRate', 'exponentialDelay') })),
  life: maybe(
    object({ jobId: (value) => text(value) && isJobId(value as string), since: time, restoreFrom: maybe(text) }),
  ),
  handled: maybe(object({ savepoint: maybe(count), restart: maybe(count), restore: maybe(count) })),
  revisions: maybe(object({ stable: maybe(name), bad: maybe(name), badBecause: maybe(text) })),
  gaveUp: maybe(object({ at: instant, reason: text, spec: maybe(text) })),
};

/** The first field that is not as it should be. */
function misfit(value: unknown, fields: Fields): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not an object';
  const found = value as Readonly<Record<string, unknown>>;
  const [wrong] = Object.entries(fields).find(([field, check]) => !check(found[field])) ?? [];
  return wrong === undefined ? undefined : `its field ${wrong} is not what this version of the program writes`;
}

/**
 * The kinds of field a FlinkJob is made of. Each makes one zod schema with a description, bounds and an example, because
 * Kubernetes estimates the cost of rules from bounds, and because the example is what an error message proposes.
 */
import * as z from 'zod';
import { parseDurationMs } from '../lib/durations.ts';
import { celMatches, type Rule, withRules } from './rules.ts';

/** What a reader is told about a field. */
export interface FieldDoc {
  /** One or two sentences; shown by `kubectl explain` and in the reference. */
  readonly description: string;
  /** A value an error message may propose. */
  readonly example?: unknown;
  /** `flinkjob run` takes no notice of it, and says so. */
  readonly clusterOnly?: true;
  /** Replaces the requirement that is derived from the bounds; begins with "must". */
  readonly must?: string;
  /** Replaces the remedy that is derived from the example. */
  readonly remedy?: string;
}

/** A string of at most `max` characters, at least one. */
export function text(max: number, doc: FieldDoc): z.ZodString {
  return z
    .string()
    .min(1)
    .max(max)
    .meta({ ...doc });
}

/**
 * A string that matches a pattern, which must be one that RE2 understands: the API server uses that. It is a rule and no
 * `pattern` of the schema, because of a pattern the API server says no more than the pattern.
 */
export function pattern(regex: RegExp, max: number, doc: FieldDoc & { must: string; example: string }): z.ZodString {
  return withRules(
    z
      .string()
      .max(max)
      .meta({ ...doc }),
    {
      code: 'FORM',
      must: doc.must,
      remedy: `Write e.g. ${doc.example}`,
      reads: [],
      cel: celMatches('self', regex.source),
      holds: (self) => typeof self === 'string' && regex.test(self),
    },
  );
}

/** A 32-bit integer within bounds. */
export function integer(min: number, max: number, doc: FieldDoc): z.ZodInt32 {
  return z
    .int32()
    .min(min)
    .max(max)
    .meta({ ...doc });
}

/** One word of a list. */
export function oneOf<const W extends readonly [string, ...string[]]>(
  words: W,
  doc: FieldDoc,
): z.ZodEnum<{ [K in W[number]]: K }> {
  return z.enum(words).meta({ example: words[0], ...doc });
}

/** A list of at most `max` items. */
export function list<I extends z.ZodType>(item: I, max: number, doc: FieldDoc): z.ZodArray<I> {
  return z
    .array(item)
    .max(max)
    .meta({ ...doc });
}

/** A map from names of at most 253 characters to values, with at most `max` entries. */
export function map<V extends z.ZodType>(value: V, max: number, doc: FieldDoc): z.ZodRecord<z.ZodString, V> {
  return z
    .record(z.string().max(253), value)
    .refine((entries) => Object.keys(entries).length <= max, { error: `at most ${max} entries` })
    .meta({ ...doc, maxProperties: max });
}

/** An object that is kept as it is and checked elsewhere, at most `max` entries on its first level. */
export function free(max: number, doc: FieldDoc): z.ZodRecord<z.ZodString, z.ZodUnknown> {
  return map(z.unknown(), max, doc);
}

const DNS_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** The name of another Kubernetes object. */
export function objectName(doc: FieldDoc & { example: string }): z.ZodString {
  return pattern(DNS_NAME, 253, {
    must: 'must be the name of a Kubernetes object: lower case letters, digits, "-" and "."',
    ...doc,
  });
}

// Hours to milliseconds as in Go, largest first, so many digits that the sum fits Go's 64-bit nanoseconds.
const DURATION = '^(\\d{1,6}([.]\\d{1,3})?h)?(\\d{1,7}([.]\\d{1,3})?m)?(\\d{1,9}([.]\\d{1,3})?s)?(\\d{1,9}ms)?$';
const DURATION_REGEX = new RegExp(DURATION);

/** Milliseconds of a duration as the resource spells it, or undefined when it is not one. Days are not a unit, as in Go. */
export function durationMs(value: unknown): number | undefined {
  return typeof value === 'string' && value !== '' && DURATION_REGEX.test(value) ? parseDurationMs(value) : undefined;
}

/** A CEL condition that is true when the expression is a duration that `duration()` can convert. */
export function celIsDuration(expression: string): string {
  return `${expression} != '' && ${celMatches(expression, DURATION)}`;
}

/** Limits of a duration, themselves durations. */
export interface DurationBounds {
  readonly atLeast?: string;
  readonly atMost?: string;
  /** `0s` is allowed although it is below `atLeast`. */
  readonly orZero?: boolean;
}

/** A duration such as `30s`, `1m30s` or `250ms`. */
export function duration(bounds: DurationBounds, doc: FieldDoc & { example: string }): z.ZodString {
  return withRules(
    z
      .string()
      .max(32)
      .meta({ ...doc }),
    durationRule(bounds, doc.example),
  );
}

function durationRule(bounds: DurationBounds, example: string): Rule<string> {
  const limits: string[] = [];
  const compared: string[] = [];
  if (bounds.atLeast !== undefined && bounds.atLeast !== '0s') {
    limits.push(`of at least ${bounds.atLeast}`);
    compared.push(`duration(self) >= duration('${bounds.atLeast}')`);
  }
  if (bounds.atMost !== undefined) {
    limits.push(`of at most ${bounds.atMost}`);
    compared.push(`duration(self) <= duration('${bounds.atMost}')`);
  }
  const within = compared.join(' && ');
  const allowed = bounds.orZero ? `(duration(self) == duration('0s') || ${within})` : within;
  return {
    code: 'DURATION',
    must: `must be a duration${limits.length === 0 ? '' : ` ${limits.join(' and ')}`}${bounds.orZero ? ', or 0s' : ''}`,
    remedy: `Write e.g. ${example} (units: h, m, s, ms)`,
    reads: [],
    cel: [celIsDuration('self'), allowed].filter(Boolean).join(' && '),
    holds: (self) => isWithin(durationMs(self), bounds),
  };
}

function isWithin(value: number | undefined, bounds: DurationBounds): boolean {
  if (value === undefined) return false;
  if (value === 0 && bounds.orZero) return true;
  return value >= (durationMs(bounds.atLeast) ?? 0) && value <= (durationMs(bounds.atMost) ?? Number.POSITIVE_INFINITY);
}

function uri(doc: FieldDoc): z.ZodString {
  return z
    .string()
    .max(1024)
    .meta({ ...doc });
}

const BUCKET = '[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]';
const STORAGE_URI = `^(file:///[^\\s?#]*|s3://${BUCKET}(/[^\\s?#]*)?)$`;
const PARENT_STEP = '/[.][.](/|$)';

/** A place in external storage: `file:///…` or `s3://bucket/…`. */
export function storageUri(doc: FieldDoc & { example: string }): z.ZodString {
  return withRules(uri(doc), {
    code: 'STORAGE_URI',
    must: 'must be a URI file:///path or s3://bucket/path (bucket: 3 to 63 lower-case letters, digits, "." and "-"), without blanks, "?", "#" and ".." steps',
    remedy: `Write e.g. ${doc.example}`,
    reads: [],
    cel: `${celMatches('self', STORAGE_URI)} && !${celMatches('self', PARENT_STEP)}`,
    holds: (self) =>
      typeof self === 'string' && new RegExp(STORAGE_URI).test(self) && !new RegExp(PARENT_STEP).test(self),
  });
}

const ARTIFACT_URI = '^(local:///|https://|s3://)[^\\s?#]+$';

/** Where code lies: in the image (`local:///`), on a web server or in a bucket. */
export function artifactUri(doc: FieldDoc & { example: string }): z.ZodString {
  return withRules(uri(doc), {
    code: 'ARTIFACT_URI',
    must: 'must be a URI local:///path (in the image), https://host/path or s3://bucket/path, without blanks, "?" and "#"',
    remedy: `Write e.g. ${doc.example}`,
    reads: [],
    cel: celMatches('self', ARTIFACT_URI),
    holds: (self) => typeof self === 'string' && new RegExp(ARTIFACT_URI).test(self),
  });
}

/** Kinds of settings: how a value is read, from YAML or from text, and what it must be, in words. Loads no other package. */
import { isIP } from 'node:net';
import type { RestartSettings } from '../api/index.ts';
import { parseDurationMs } from '../lib/durations.ts';

/** Lines of a log from this level on. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A value, or the rules that it breaks; none named: the one of the setting. */
export type Reading<T> = { readonly value: T } | { readonly wrong: readonly string[] };

/** One setting, as it is declared. */
export interface Setting<T = unknown> {
  readonly description: string;
  /** What a value has to be. */
  readonly must: string;
  readonly example: string;
  /** As one writes it; undefined: not set. */
  readonly fallback: string | undefined;
  /** Takes what YAML gives, and text. */
  readonly read: (written: unknown) => Reading<T> | Promise<Reading<T>>;
}

const WRONG = { wrong: [] };
/** What namespaces and Leases may be called here. */
const NAME = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** A strategy is checked as that of a job, by the same schema and in the same words. */
async function readRestart(written: unknown): Promise<Reading<RestartSettings>> {
  const { API_VERSION, KIND, formatViolation, readYaml, resolveFlinkJob, validateFlinkJob } = await import(
    '../api/index.ts'
  );
  const restart = typeof written === 'string' ? readYaml(written).documents[0]?.value : written;
  if (typeof restart !== 'object' || restart === null) return WRONG;
  const spec = { typescript: { module: 'job.js' }, storage: { uri: 'file:///jobs' }, restart };
  const { job, violations } = validateFlinkJob({
    apiVersion: API_VERSION,
    kind: KIND,
    metadata: { name: 'job' },
    spec,
  });
  const strategy = job === undefined ? undefined : resolveFlinkJob(job).restart;
  return strategy === undefined ? { wrong: violations.map(formatViolation) } : { value: strategy };
}

/** Names of namespaces; as text, separated by commas. */
export function namespaces(description: string) {
  const read = (written: unknown): Reading<readonly string[]> => {
    const names: unknown = typeof written === 'string' ? written.split(',').map((name) => name.trim()) : written;
    const isList = Array.isArray(names) && names.length > 0;
    return isList && names.every(isName) ? { value: [...new Set(names)] } : WRONG;
  };
  const must = 'a list of names of namespaces; as text, separated by commas';
  return { description, must, example: 'flights,payments', fallback: undefined, read };
}

/** Ranges of addresses in CIDR notation; as text, separated by commas. */
export function addresses(description: string) {
  const read = (written: unknown): Reading<readonly string[]> => {
    const ranges: unknown = typeof written === 'string' ? written.split(',').map((range) => range.trim()) : written;
    const isList = Array.isArray(ranges) && ranges.length > 0;
    return isList && ranges.every(isRange) ? { value: [...new Set(ranges)] } : WRONG;
  };
  const must = 'a list of addresses in CIDR notation; as text, separated by commas';
  return { description, must, example: '172.18.0.0/16', fallback: undefined, read };
}

function isRange(value: unknown): value is string {
  const [address = '', bits = '', ...rest] = typeof value === 'string' ? value.split('/') : [];
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= longest;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** A restart strategy, as `spec.restart` of a FlinkJob; as text, in YAML. */
export function restart(description: string) {
  const example = '{ fixedDelay: { attempts: 3, delay: 10s } }';
  return { description, must: 'a restart strategy', example, fallback: undefined, read: readRestart };
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** From which level on lines are written. */
export function level(description: string, fallback: LogLevel) {
  const read = (written: unknown): Reading<LogLevel> => {
    const value = LEVELS.find((one) => one === written);
    return value === undefined ? WRONG : { value };
  };
  return { description, must: `one of ${LEVELS.join(', ')}`, example: 'debug', fallback: fallback as string, read };
}

/** The name of an object of Kubernetes. */
export function nameOf(description: string, fallback: string) {
  const form = { must: 'a name of 1 to 63 lower case letters, digits and "-"', example: fallback, pattern: NAME };
  return { ...text(description, form), fallback };
}

interface TextForm {
  readonly must: string;
  readonly example: string;
  /** @default anything of 1 to 1024 characters */
  readonly pattern?: RegExp;
}

/** Text of one line. */
export function text(description: string, { must, example, pattern = /^.{1,1024}$/ }: TextForm) {
  const read = (written: unknown): Reading<string> =>
    typeof written === 'string' && pattern.test(written) ? { value: written } : WRONG;
  return { description, must, example, fallback: undefined, read };
}

/** Yes or no. */
export function flag(description: string, fallback: boolean) {
  const read = (written: unknown): Reading<boolean> =>
    String(written) === 'true' || String(written) === 'false' ? { value: String(written) === 'true' } : WRONG;
  return { description, must: 'true or false', example: String(!fallback), fallback: String(fallback), read };
}

interface NumberRange {
  readonly fallback: number;
  readonly from: number;
  readonly to: number;
}

/** A whole number. */
export function integer(description: string, { fallback, from, to }: NumberRange) {
  const read = (written: unknown): Reading<number> => {
    const value = typeof written === 'string' && /^[0-9]{1,9}$/.test(written) ? Number(written) : written;
    return typeof value === 'number' && Number.isInteger(value) && value >= from && value <= to ? { value } : WRONG;
  };
  const must = `an integer from ${from} to ${to}`;
  return { description, must, example: String(fallback), fallback: String(fallback), read };
}

/** Where something listens; 0 for any that is free. */
export function port(description: string, fallback: number) {
  return integer(description, { fallback, from: 0, to: 65_535 });
}

interface DurationRange {
  readonly fallback: string;
  readonly from: string;
  readonly to: string;
}

/** A time, in milliseconds once it is read. */
export function duration(description: string, { fallback, from, to }: DurationRange) {
  const [least, most] = [parseDurationMs(from) ?? 0, parseDurationMs(to) ?? 0];
  const read = (written: unknown): Reading<number> => {
    const value = typeof written === 'string' ? parseDurationMs(written) : undefined;
    return value !== undefined && value >= least && value <= most ? { value } : WRONG;
  };
  return { description, must: `a duration from ${from} to ${to}`, example: fallback, fallback, read };
}

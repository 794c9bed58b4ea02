/** Validates a text of YAML: one or several documents, FlinkJobs among others. */
import { InvalidFlinkJobError } from './errors.ts';
import type { FlinkJob } from './flink-job.ts';
import { API_GROUP, API_VERSION, KIND } from './names.ts';
import { nearest } from './nearest.ts';
import { isObject, valueAt } from './plain-values.ts';
import { validateFlinkJob } from './validate.ts';
import { formatPath, type Violation } from './violation.ts';
import { readYaml, type YamlDocument, type YamlProblem } from './yaml-documents.ts';

/** One FlinkJob of a text. */
export interface JobReport {
  /** Line at which its document begins. */
  readonly line: number;
  readonly name?: string;
  readonly namespace?: string;
  /** The job, when nothing but warnings was found. */
  readonly job?: FlinkJob;
  readonly violations: readonly Violation[];
}

/** What a text holds. */
export interface TextReport {
  readonly jobs: readonly JobReport[];
  /** What keeps the text from being read. */
  readonly violations: readonly Violation[];
  /** Documents of other kinds, which were skipped, in words. */
  readonly notes: readonly string[];
}

/** Validates all FlinkJobs of a text. Never throws for any text. */
export function validateYaml(text: string): TextReport {
  const { documents, problems } = readYaml(text);
  const jobs: JobReport[] = [];
  const notes: string[] = [];
  for (const document of documents) {
    if (isMeantForUs(document.value)) jobs.push(validateDocument(document));
    else if (document.value !== null) notes.push(`line ${document.line}: skipped ${describeKind(document.value)}`);
  }
  return { jobs, notes, violations: problems.map(problemViolation) };
}

/**
 * The one valid FlinkJob of a text.
 * @throws {InvalidFlinkJobError} when there is none, more than one, or an invalid one; it lists every violation.
 */
export function parseFlinkJob(text: string, source: string): FlinkJob {
  const { jobs, violations, notes } = validateYaml(text);
  const [first, second] = jobs;
  const all = [...violations, ...jobs.flatMap((job) => job.violations)];
  const errors = all.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new InvalidFlinkJobError(source, errors);
  if (first === undefined) throw new InvalidFlinkJobError(source, [noFlinkJob(notes)]);
  if (second !== undefined || first.job === undefined)
    throw new InvalidFlinkJobError(source, [severalJobs(second?.line)]);
  return first.job;
}

/** Said when a whole input holds no FlinkJob. */
export function noFlinkJob(notes: readonly string[]): Violation {
  const skipped = notes.length === 0 ? '' : `; ${notes.slice(0, 3).join('; ')}`;
  return violation(
    'NO_FLINK_JOB',
    `there is no FlinkJob${skipped}`,
    `A FlinkJob begins with apiVersion: ${API_VERSION} and kind: ${KIND}`,
  );
}

function severalJobs(line: number | undefined): Violation {
  const second = violation('SEVERAL_FLINK_JOBS', 'there is more than one FlinkJob', 'Keep one of them in this file.');
  return line === undefined ? second : { ...second, line };
}

function violation(code: string, rule: string, remedy: string): Violation {
  return { path: '', rule, remedy, code, severity: 'error' };
}

function problemViolation({ path, ...problem }: YamlProblem): Violation {
  return { ...problem, path: formatPath(path), severity: 'error' };
}

function validateDocument(document: YamlDocument): JobReport {
  const { job, violations } = validateFlinkJob(document.value, { locate: (path) => document.locate(path) });
  const ambiguous = document.ambiguous.map(
    ({ path, readAs }): Violation => ({
      path: formatPath(path),
      ...document.locate(path),
      rule: `is read as ${readAs} by kubectl`,
      remedy: 'Write it in quotes.',
      code: 'AMBIGUOUS_SCALAR',
      severity: 'warning',
    }),
  );
  const name = valueAt(document.value, ['metadata', 'name']);
  const namespace = valueAt(document.value, ['metadata', 'namespace']);
  return {
    line: document.line,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof namespace === 'string' ? { namespace } : {}),
    ...(job === undefined ? {} : { job }),
    violations: [...violations, ...ambiguous].sort((a, b) => (a.line ?? 0) - (b.line ?? 0)),
  };
}

/** Of our group, or of a kind so near to ours that it must be a slip of the pen. */
function isMeantForUs(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { apiVersion, kind } = value;
  if (typeof apiVersion === 'string' && apiVersion.split('/')[0] === API_GROUP) return true;
  return typeof kind === 'string' && nearest(kind, [KIND]) === KIND;
}

function describeKind(value: unknown): string {
  if (!isObject(value)) return 'a document that is no object';
  const { kind, apiVersion } = value;
  if (typeof kind !== 'string') return 'a document without kind';
  return typeof apiVersion === 'string' ? `${kind} (${apiVersion})` : kind;
}

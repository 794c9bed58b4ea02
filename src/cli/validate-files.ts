/** What `flinkjob validate` does. */
import {
  formatViolation,
  type JobReport,
  MAX_INPUT_BYTES,
  noFlinkJob,
  type Violation,
  validateYaml,
} from '../api/index.ts';
import { type CliIo, EXIT } from './command.ts';
import { type ManifestFile, manifestFiles } from './manifest-files.ts';

/** What was found in one file. */
interface FileResult {
  readonly file: string;
  readonly jobs: readonly JobReport[];
  /** Of the file as a whole: it cannot be read, or holds nothing of use. */
  readonly violations: readonly Violation[];
  readonly notes: readonly string[];
}

/** Validates files, directories and standard input; returns the exit code. */
export async function validateFiles(names: readonly string[], output: 'text' | 'json', io: CliIo): Promise<number> {
  const results: FileResult[] = [];
  for await (const file of manifestFiles(names, MAX_INPUT_BYTES, io)) results.push(validateFile(file));
  const checked = withEmptyInput(withDuplicates(results), names);
  const valid = !checked.some(isInvalid);
  if (output === 'json') io.stdout.write(`${JSON.stringify(toJson(checked, valid), null, 2)}\n`);
  else writeText(checked, io);
  return valid ? EXIT.ok : EXIT.failed;
}

function validateFile(file: ManifestFile): FileResult {
  if ('error' in file) {
    const violation: Violation = { path: '', rule: file.error, remedy: '', code: 'UNREADABLE', severity: 'error' };
    return { file: file.name, jobs: [], notes: [], violations: [violation] };
  }
  return { file: file.name, ...validateYaml(file.text) };
}

/** Two jobs of one name would overwrite each other. */
function withDuplicates(results: readonly FileResult[]): FileResult[] {
  const seen = new Map<string, string>();
  return results.map((result) => {
    const jobs = result.jobs.map((report) => {
      if (report.name === undefined) return report;
      const key = `${report.namespace ?? ''}/${report.name}`;
      const first = seen.get(key);
      seen.set(key, first ?? `${result.file} (line ${report.line})`);
      return first === undefined ? report : { ...report, violations: [...report.violations, duplicate(report, first)] };
    });
    return { ...result, jobs };
  });
}

function duplicate(report: JobReport, first: string): Violation {
  return {
    path: 'metadata.name',
    line: report.line,
    value: report.name,
    rule: `is the name of a FlinkJob in ${first} too`,
    remedy: 'Rename one of them.',
    code: 'DUPLICATE_JOB',
    severity: 'error',
  };
}

/** Other kinds are fine beside a FlinkJob; an input without any is a mistake. */
function withEmptyInput(results: readonly FileResult[], names: readonly string[]): readonly FileResult[] {
  if (results.some(({ jobs, violations }) => jobs.length > 0 || violations.length > 0)) return results;
  const notes = results.flatMap((result) => result.notes);
  return [{ file: names.join(' '), jobs: [], notes: [], violations: [noFlinkJob(notes)] }];
}

function isInvalid(result: FileResult): boolean {
  return result.violations.length > 0 || result.jobs.some(hasErrors);
}

function hasErrors({ violations }: JobReport): boolean {
  return violations.some(({ severity }) => severity === 'error');
}

/** The stable form of `-o json`. */
function toJson(results: readonly FileResult[], valid: boolean): unknown {
  const withMessage = (violation: Violation) => ({ ...violation, message: formatViolation(violation) });
  return {
    valid,
    files: results.map(({ file, jobs, violations, notes }) => ({
      file,
      violations: violations.map(withMessage),
      notes,
      jobs: jobs.map((report) => ({
        ...(report.name === undefined ? {} : { name: report.name }),
        ...(report.namespace === undefined ? {} : { namespace: report.namespace }),
        line: report.line,
        valid: !hasErrors(report),
        violations: report.violations.map(withMessage),
      })),
    })),
  };
}

/** Results on stdout; whatever has to be corrected on stderr, one line each. */
function writeText(results: readonly FileResult[], io: CliIo): void {
  for (const { file, jobs, violations, notes } of results) {
    for (const note of notes) io.stdout.write(`${file}: ${note}\n`);
    for (const violation of violations) io.stderr.write(`${file}: ${formatViolation(violation)}\n`);
    for (const report of jobs) writeJob(file, report, io);
  }
  const count = results.flatMap((result) => [...result.violations, ...result.jobs.flatMap((job) => job.violations)]);
  const errors = count.filter(({ severity }) => severity === 'error').length;
  if (errors > 0) io.stderr.write(`${errors} ${errors === 1 ? 'problem' : 'problems'} found\n`);
}

function writeJob(file: string, report: JobReport, io: CliIo): void {
  for (const violation of report.violations) {
    const prefix = violation.severity === 'warning' ? 'warning: ' : '';
    io.stderr.write(`${file}: ${prefix}${formatViolation(violation)}\n`);
  }
  if (!hasErrors(report)) io.stdout.write(`${file}: FlinkJob ${report.name ?? ''} is valid\n`);
}

/** Runs the tests; ends with what failed and why, and one line that counts. Arguments go to vitest. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is read of the report that vitest writes as JSON. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[] | null;
    }[];
  }[];
}

/** Characters shown of one failure in the summary; the whole of it stands further up in the output. */
const shownOfAFailure = 1500;

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'flinkjob-test-'));
const file = join(scratch, 'report.json');
const projects = ['unit', 'integration', 'conformance'].flatMap((name) => ['--project', name]);

console.log('running the unit, integration and conformance tests');
const { status } = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    ...projects,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${file}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);

const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined;
rmSync(scratch, { recursive: true, force: true });

for (const suite of report?.testResults ?? []) {
  const where = relative(root, suite.name);
  const failures = suite.assertionResults.filter((test) => test.status === 'failed');
  for (const test of failures)
    console.log(
      `failed: ${where}: ${test.fullName}\n${(test.failureMessages ?? []).join('\n').slice(0, shownOfAFailure)}`,
    );
  if (suite.status === 'failed' && failures.length === 0)
    console.log(`failed to load: ${where}\n${suite.message.slice(0, shownOfAFailure)}`);
}
const failed = report?.numFailedTests ?? 0;
console.log(`tests: ${report?.numPassedTests ?? 0} passed, ${status === 0 ? failed : Math.max(failed, 1)} failed`);
process.exit(status ?? 1);

/** Runs the tests and ends with one line that counts them. Arguments go to vitest. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const scratch = mkdtempSync(join(tmpdir(), 'flinkjob-test-'));
const report = join(scratch, 'report.json');
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
    `--outputFile.json=${report}`,
    ...process.argv.slice(2),
  ],
  { cwd: root, stdio: 'inherit' },
);

try {
  const counts = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>;
  const suitesThatDidNotLoad = status === 0 || (counts['numFailedTests'] ?? 0) > 0 ? 0 : 1;
  console.log(
    `tests: ${counts['numPassedTests']} passed, ${(counts['numFailedTests'] ?? 0) + suitesThatDidNotLoad} failed`,
  );
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exit(status ?? 1);

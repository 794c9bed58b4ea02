/** Directories that are gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function aTemporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'flinkjob-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

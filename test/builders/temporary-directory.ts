/** Directories that are gone after the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function aTemporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), 'flinkjob-'));
  // Processes that were told to stop may write into it for a moment yet.
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 }));
  return path;
}

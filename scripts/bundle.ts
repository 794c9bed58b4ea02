/**
 * Bundles src/ into a directory: the command (main.js), the library (index.js), the test kit (testing.js), the worker thread
 * (worker-entry.js), the process of a job on a laptop (job-process.js) and the one that looks at a program for a plan
 * (program-check.js); `main.js run-job` is that of a job in a pod. One ESM build with shared chunks, so that a job's `flinkjob`
 * and the running engine are one code.
 */
import { join } from 'node:path';
import { build } from 'esbuild';

/** Writes the bundles; what lies in the directory already stays. */
export async function bundle(outdir: string): Promise<void> {
  await build({
    absWorkingDir: join(import.meta.dirname, '..'),
    entryPoints: {
      main: 'src/launcher.ts',
      index: 'src/index.ts',
      testing: 'src/testing.ts',
      'worker-entry': 'src/stream/task/worker-entry.ts',
      'job-process': 'src/cli/job-process/entry.ts',
      'program-check': 'src/cli/program-check/check-entry.ts',
    },
    outdir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    keepNames: true,
    packages: 'external',
    chunkNames: 'chunk-[hash]',
    sourcemap: true,
    logLevel: 'warning',
  });
}

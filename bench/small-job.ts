/**
 * A small job as a person starts it: `flinkjob run job.yaml`. The first run after a change of the code compiles it; the
 * ones that count find it compiled.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = join(import.meta.dirname, '..');
const scratch = join(root, '.bench', 'small-job');

export interface SmallJobResult {
  /** From the start of the command to the first record in the sink. */
  readonly firstRecordMs: number;
  /** Resident memory of the job's process when its last record arrived. */
  readonly rssBytes: number;
}

/** Runs a keyed count of a million records over a thousand keys, with everything that a run brings. */
export async function runSmallJob(): Promise<SmallJobResult> {
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch, { recursive: true });
  const manifest = join(scratch, 'job.json');
  writeFileSync(
    manifest,
    JSON.stringify({
      apiVersion: 'flinkjob.dev/v1alpha1',
      kind: 'FlinkJob',
      metadata: { name: 'small' },
      spec: {
        typescript: { module: join(root, 'bench/jobs/throughput.ts') },
        args: ['ints', '1000000', '1000'],
        parallelism: 1,
        maxParallelism: 128,
        storage: { uri: pathToFileURL(join(scratch, 'storage')).href },
        checkpoints: { interval: '1s' },
      },
    }),
  );
  const startedAt = Date.now();
  const child = spawn(join(root, 'bin/flinkjob'), ['run', '--home', join(scratch, 'home'), manifest], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  const line = output.split('\n').find((each) => each.startsWith('{'));
  if (code !== 0 || line === undefined) throw new Error(`flinkjob run ended with code ${code}: ${said}`);
  const sink = JSON.parse(line) as { readonly startedAt: number; readonly rssBytes: number };
  return { firstRecordMs: sink.startedAt - startedAt, rssBytes: sink.rssBytes };
}

/**
 * The demo: runs examples/flight-delays.ts over three million flights under supervision, kills its process twice with
 * SIGKILL at random moments, and compares what was committed with a straight single-pass computation of the same file.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetRead } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { type AirportDelays, summarize } from '../examples/flight-delays.ts';
import type { JobProcessHandle } from '../src/cli/run/job-process-handle.ts';
import { runLocalJob } from '../src/cli/run/run-local-job.ts';

const root = join(import.meta.dirname, '..');
const out = join(root, '.demo/out');
const flights = join(root, 'node_modules/vega-datasets/data/flights-3m.parquet');
const KILLS = 2;

const startedAt = performance.now();
console.log('1. Run the job of examples/flight-delays.ts, and kill its process twice while it works.\n');
rmSync(join(root, '.demo'), { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const exitCode = await runKilled();
if (exitCode !== 0) process.exit(exitCode);

const rows = readResults();
console.log(`\n2. The ten worst airports of ${rows.length} (at least 1,000 flights).\n`);
printTable(
  rows
    .filter((row) => row.flights >= 1_000)
    .sort((a, b) => b.lateShare - a.lateShare)
    .slice(0, 10),
);

console.log('\n3. Compare with a straight single pass over the same file, without job, state or crashes.\n');
const differences = compare(rows, await singlePass());
const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
if (differences.length > 0) {
  console.log(`NOT EQUAL: ${differences.slice(0, 5).join('; ')}`);
  process.exit(1);
}
const total = rows.reduce((sum, row) => sum + row.flights, 0);
console.log(
  `EQUAL: all ${rows.length} airports, ${total.toLocaleString('en')} flights, each counted exactly once, through ${KILLS} crashes. ${seconds} s.`,
);
console.log(`The results are in ${join('.demo', 'out')}, the job in examples/flight-delays.ts.`);

/** Runs the job; each of the first attempts is killed once it has read a random share of the file. */
function runKilled(): Promise<number> {
  const records = 3_000_000;
  let kills = 0;
  let handle: JobProcessHandle | undefined;
  let killAt = 0;
  const io = {
    stdout: process.stdout,
    stderr: process.stdout,
    stdin: process.stdin,
    env: process.env,
    cwd: root,
    isTty: process.stdout.isTTY === true,
  };
  return runLocalJob(
    'examples/flight-delays.yaml',
    { home: join(root, '.demo/home'), fresh: true, restPort: '0' },
    io,
    {
      onProcess(started) {
        handle = started;
        killAt = records * (0.08 + 0.25 * Math.random());
      },
      onMessage(message) {
        if (message.type !== 'event' || message.event.event !== 'progress' || kills === KILLS) return;
        const read = message.event.vertices[0]?.recordsIn ?? 0;
        if (handle === undefined || read < killAt) return;
        kills++;
        console.log(`demo: kill -9 ${handle.pid}, after ${read.toLocaleString('en')} records of this attempt`);
        handle.kill('SIGKILL');
        handle = undefined;
      },
    },
  );
}

function readResults(): AirportDelays[] {
  const files = readdirSync(out).filter((name) => !name.startsWith('.'));
  const lines = files.flatMap((name) => readFileSync(join(out, name), 'utf8').split('\n'));
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AirportDelays);
}

/** The same figures by the shortest road: one loop over the columns. */
async function singlePass(): Promise<AirportDelays[]> {
  const counts = new Map<string, Map<number, number>>();
  const file = await asyncBufferFromFile(flights);
  const metadata = await parquetMetadataAsync(file);
  let rowStart = 0;
  for (const { num_rows } of metadata.row_groups) {
    const columns = new Map<string, ArrayLike<unknown>>();
    const rowEnd = rowStart + Number(num_rows);
    await parquetRead({
      file,
      metadata,
      compressors,
      columns: ['origin', 'delay'],
      rowStart,
      rowEnd,
      onChunk: ({ columnName, columnData, rowStart: first }) => columns.set(`${columnName}@${first}`, columnData),
    });
    tally(columns, counts);
    rowStart = rowEnd;
  }
  return [...counts].map(([origin, delays]) => summarize(origin, delays));
}

function tally(columns: ReadonlyMap<string, ArrayLike<unknown>>, counts: Map<string, Map<number, number>>): void {
  const origins = columnOf(columns, 'origin');
  const delays = columnOf(columns, 'delay');
  for (const [index, origin] of origins.entries()) {
    let own = counts.get(origin as string);
    if (own === undefined) {
      own = new Map();
      counts.set(origin as string, own);
    }
    const delay = Number(delays[index]);
    own.set(delay, (own.get(delay) ?? 0) + 1);
  }
}

function columnOf(columns: ReadonlyMap<string, ArrayLike<unknown>>, name: string): unknown[] {
  const chunks = [...columns].filter(([key]) => key.startsWith(`${name}@`));
  return chunks
    .sort(([a], [b]) => Number(a.split('@')[1]) - Number(b.split('@')[1]))
    .flatMap(([, data]) => Array.from(data));
}

function compare(committed: readonly AirportDelays[], expected: readonly AirportDelays[]): string[] {
  const byOrigin = new Map(expected.map((row) => [row.origin, JSON.stringify(row)]));
  const differences = committed.flatMap((row) =>
    JSON.stringify(row) === byOrigin.get(row.origin) ? [] : [`${row.origin} differs`],
  );
  if (committed.length !== expected.length)
    differences.push(`${committed.length} results for ${expected.length} airports`);
  return differences;
}

function printTable(worst: readonly AirportDelays[]): void {
  console.log('airport  flights  mean delay  95th percentile  late > 15 min');
  for (const { origin, flights: count, meanDelay, p95Delay, lateShare } of worst) {
    const cells = [
      origin.padEnd(7),
      count.toLocaleString('en').padStart(8),
      `${meanDelay.toFixed(1)} min`.padStart(11),
      `${p95Delay} min`.padStart(16),
      `${(lateShare * 100).toFixed(1)} %`.padStart(14),
    ];
    console.log(cells.join(' '));
  }
}

/**
 * `make bench`: what the runtime does on one core at parallelism 1 and on two at parallelism 2. Medians of ROUNDS rounds
 * (default 3). Figures are records per second of wall time and per CPU second of the whole process; checkpoints run every
 * second meanwhile.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type BenchResult, median, percentile, runBenchJob } from './run-job.ts';
import { runSmallJob } from './small-job.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SCALE = Number(process.env.SCALE ?? 1);

const JOBS = [
  { name: 'passthrough', what: 'pass-through', records: 200_000_000, keys: 1 },
  { name: 'map', what: 'map', records: 200_000_000, keys: 1 },
  { name: 'ints', what: 'keyed count, 100 k ints', records: 40_000_000, keys: 100_000 },
  { name: 'strings', what: 'keyed count, 100 k strings', records: 20_000_000, keys: 100_000 },
  { name: 'json', what: 'JSON + keyed count', records: 6_000_000, keys: 100_000 },
  { name: 'window', what: 'sliding window top-1', records: 2_000_000, keys: 1_000 },
] as const;

console.log(
  `${'job'.padEnd(28)}${'p'.padStart(2)}${'records/s'.padStart(14)}${'per CPU second'.padStart(16)}${'RSS'.padStart(9)}`,
);
for (const parallelism of [1, 2]) {
  for (const { name, what, records, keys } of JOBS) {
    const results: BenchResult[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const cpus = parallelism === 1 ? '0' : '0,1';
      results.push(await runBenchJob({ name, records: records * SCALE, keys, parallelism, cpus }));
    }
    const wall = median(results.map((result) => (records * SCALE * 1_000) / result.wallMs));
    const cpu = median(results.map((result) => (records * SCALE * 1_000) / result.cpuMs));
    const rss = median(results.map((result) => result.rssBytes));
    console.log(
      `${what.padEnd(28)}${String(parallelism).padStart(2)}${count(wall).padStart(14)}${count(cpu).padStart(16)}${`${Math.round(rss / 1e6)} MB`.padStart(9)}`,
    );
  }
}

console.log('\ncheckpoints under full load, parallelism 1, int keys');
console.log(
  `${'keys'.padEnd(12)}${'pause p50'.padStart(12)}${'pause max'.padStart(12)}${'total p50'.padStart(12)}${'restore'.padStart(12)}`,
);
for (const keys of [100_000, 1_000_000]) {
  const run = { name: 'ints', records: 60_000_000 * SCALE, keys, parallelism: 1, checkpointIntervalMs: 500 };
  const { events } = await runBenchJob({ ...run, killAfterCheckpoints: 8 });
  const completed = events.flatMap(({ event }) => (event.event === 'checkpointCompleted' ? [event] : []));
  const steady = completed.slice(2);
  const resumed = await runBenchJob({ ...run, resume: true, killAfterCheckpoints: 1 });
  const restoring = resumed.events.find(({ event }) => event.event === 'restoring')?.atMs ?? Number.NaN;
  const running = resumed.events.find(({ event }) => event.event === 'running')?.atMs ?? Number.NaN;
  const cells = [
    ms(median(steady.map((each) => each.syncMs))),
    ms(
      percentile(
        steady.map((each) => each.syncMs),
        1,
      ),
    ),
    ms(median(steady.map((each) => each.tookMs))),
    ms(running - restoring),
  ];
  console.log(`${count(keys).padEnd(12)}${cells.map((cell) => cell.padStart(12)).join('')}`);
}

await runSmallJob();
const small = [];
for (let round = 0; round < ROUNDS; round++) small.push(await runSmallJob());
const firstRecordMs = median(small.map((each) => each.firstRecordMs));
const smallRss = Math.round(median(small.map((each) => each.rssBytes)) / 1e6);
console.log(`\n\`flinkjob run\` to its first record: ${ms(firstRecordMs)}; memory of a small job: ${smallRss} MB`);
console.log('\nkeyed state alone');
execFileSync(process.execPath, [join(import.meta.dirname, 'keyed-state.ts')], { stdio: 'inherit' });

function count(value: number): string {
  return value >= 1e6
    ? `${(value / 1e6).toFixed(1)} M`
    : value >= 1e3
      ? `${(value / 1e3).toFixed(0)} k`
      : value.toFixed(0);
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}

/**
 * `make bench-flink`: the same job here and in a real Apache Flink, alternating in one run, ROUNDS rounds (default 5,
 * medians). Figure: records per CPU second; for Flink that of the TaskManager alone, for us of the whole process. Both
 * take a checkpoint every second to local files. The first round is cold on Flink's side; both medians are printed.
 */
import { FLINK_VERSION } from '../scripts/flink/distribution.ts';
import { compileJob, FlinkCluster, missing } from './flink/cluster.ts';
import { median, runBenchJob } from './run-job.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SCALE = Number(process.env.SCALE ?? 1);
const why = missing();
if (why !== undefined) {
  console.error(why);
  process.exit(1);
}

interface Comparison {
  readonly what: string;
  readonly ours: string;
  readonly records: number;
  readonly json: boolean;
  readonly parallelism: number;
  /** Our figure divided by Flink's is meant to be at least this. */
  readonly target: number;
}

const COMPARISONS: readonly Comparison[] = [
  { what: '100 k int keys', ours: 'ints', records: 20_000_000, json: false, parallelism: 1, target: 4 },
  {
    what: '100 k string keys, against Flink with ints',
    ours: 'strings',
    records: 20_000_000,
    json: false,
    parallelism: 1,
    target: 1.5,
  },
  { what: 'JSON written and parsed', ours: 'json', records: 5_000_000, json: true, parallelism: 1, target: 1.2 },
  {
    what: '100 k int keys, parallelism 2',
    ours: 'ints',
    records: 20_000_000,
    json: false,
    parallelism: 2,
    target: 1.5,
  },
];

console.log(`Apache Flink ${FLINK_VERSION} against FlinkJob on Node.js ${process.versions.node}; millions of records`);
console.log(
  `${'job'.padEnd(46)}${'Flink /CPU s'.padStart(14)}${'ours /CPU s'.padStart(14)}${'ratio'.padStart(8)}${'warm'.padStart(8)}${'Flink /s'.padStart(11)}${'ours /s'.padStart(11)}${'ratio'.padStart(8)}${'target'.padStart(8)}`,
);
for (const comparison of COMPARISONS) await compare(comparison);

async function compare({ what, ours, records: full, json, parallelism, target }: Comparison): Promise<void> {
  const records = full * SCALE;
  const cpus = parallelism === 1 ? '0' : '0,1';
  const cluster = new FlinkCluster();
  const flink: { cpu: number; wall: number }[] = [];
  const own: { cpu: number; wall: number }[] = [];
  try {
    await cluster.start(parallelism, cpus);
    compileJob();
    for (let round = 0; round < ROUNDS; round++) {
      const theirs = await cluster.run({ records, keys: 100_000, json, parallelism });
      flink.push({ cpu: records / theirs.cpuMs / 1_000, wall: records / theirs.wallMs / 1_000 });
      const mine = await runBenchJob({ name: ours, records, keys: 100_000, parallelism, cpus });
      own.push({ cpu: records / mine.cpuMs / 1_000, wall: records / mine.wallMs / 1_000 });
    }
  } finally {
    await cluster.stop();
  }
  const ratios = own.map((each, round) => each.cpu / (flink[round]?.cpu ?? Number.NaN));
  const walls = own.map((each, round) => each.wall / (flink[round]?.wall ?? Number.NaN));
  const cells = [
    [median(flink.map((each) => each.cpu)).toFixed(2), 14],
    [median(own.map((each) => each.cpu)).toFixed(2), 14],
    [median(ratios).toFixed(2), 8],
    [median(ratios.slice(1)).toFixed(2), 8],
    [median(flink.map((each) => each.wall)).toFixed(2), 11],
    [median(own.map((each) => each.wall)).toFixed(2), 11],
    [median(walls).toFixed(2), 8],
    [String(target), 8],
  ] as const;
  console.log(what.padEnd(46) + cells.map(([text, width]) => text.padStart(width)).join(''));
}

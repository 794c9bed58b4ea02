/**
 * `make bench-operator`: what the operator costs and how soon it acts, on a real kube-apiserver and etcd on loopback, as its image
 * runs it: in a process of its own, through a proxy that counts. Pods are played, by another process. Beside each figure stand what
 * it is meant to be, what the Apache Flink Kubernetes Operator needs for the same, and the load of the machine.
 *
 * SCALE=0.1 takes a tenth of everything; ONLY=idle,life what has this in its name; ROUNDS is how often what is done at once is done;
 * PROFILE=<folder> has Node.js sample the operator during lives; LIST=1 prints the requests of one life.
 */
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '../scripts/bundle.ts';
import { writeImageFiles } from '../scripts/image-files.ts';
import { numberFromEnvironment } from '../scripts/number-from-environment.ts';
import { startCluster, TestCluster } from '../test/cluster/index.ts';
import { ApiServer, shippedDefinition } from '../test/integration/crd/definition.ts';
import { idle, lifeCpu, lifeRequests, manyJobsCopied } from './operator/cost.ts';
import { type Figure, FigureTable } from './operator/figures.ts';
import type { Bench } from './operator/place.ts';
import { coldStart, failover, firstChild, manyAtOnce } from './operator/speed.ts';

const SCALE = numberFromEnvironment('SCALE', 1);
const ROUNDS = numberFromEnvironment('ROUNDS', 3);
const IDLE_MS = numberFromEnvironment('IDLE_MS', 60_000 * Math.min(1, SCALE));
const ONLY = process.env.ONLY?.split(',') ?? [];
const PROFILE = process.env.PROFILE;
/** Loads what a real cluster has besides: removal of what is left, budgets, endpoints. */
const CONTROLLER_MANAGER = process.env.CONTROLLER_MANAGER !== '0';

const scaled = (count: number, least: number): number => Math.max(least, Math.round(count * SCALE));

const root = join(import.meta.dirname, '..');
const running = await startCluster();
if ('unavailable' in running) {
  console.error(`error: ${running.unavailable}`);
  process.exit(1);
}
if (CONTROLLER_MANAGER) await running.startControllerManager();
// Below the project, as tests have it.
mkdirSync(join(root, '.bench'), { recursive: true });
const scratch = mkdtempSync(join(root, '.bench', 'operator-'));
const image = join(scratch, 'image');
// Sampled functions are to be found under their names.
if (PROFILE === undefined) await writeImageFiles(image);
else {
  await bundle(join(image, 'dist'));
  copyFileSync(join(root, 'package.json'), join(image, 'package.json'));
}
const bench: Bench = { cluster: new TestCluster(running.access), scratch, main: join(image, 'dist/main.js') };
await new ApiServer(bench.cluster).define(shippedDefinition());

const measures: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  size: async () => [bundleSize(), definitionSize()],
  coldStart: () => coldStart(bench, scaled(5 * ROUNDS, 3)),
  firstChild: () => firstChild(bench, scaled(100, 5)),
  lifeRequests: () => lifeRequests(bench, scaled(5, 2), process.env.LIST !== undefined),
  lifeCpu: () => lifeCpu(bench, scaled(100, 10), PROFILE),
  manyAtOnce: () => manyAtOnce(bench, scaled(200, 20), SCALE < 1 ? 1 : ROUNDS),
  idle0: () => idle(bench, { jobs: 0, megabytes: 90, peerMegabytes: '241 MB' }, IDLE_MS / 2),
  idle100: () =>
    idle(
      bench,
      {
        jobs: scaled(100, 10),
        megabytes: 100,
        peerMegabytes: '2.0 GB (572 MB, small heap)',
        cpuSeconds: 0.5,
        peerCpu: '7.3 s',
      },
      IDLE_MS,
    ),
  idle500: () =>
    idle(
      bench,
      {
        jobs: scaled(500, 10),
        megabytes: 130,
        peerMegabytes: '4.2 GB (587 MB, small heap)',
        cpuSeconds: 2,
        peerCpu: '25 s',
      },
      IDLE_MS,
    ),
  failoverTerm: async () => [await failover(bench, 'SIGTERM', scaled(10, 2))],
  failoverKill: async () => [await failover(bench, 'SIGKILL', scaled(ROUNDS, 1))],
  manyJobsCopied: () => manyJobsCopied(bench, scaled(10_000, 500)),
};

try {
  console.log(
    `Kubernetes API server up after ${(running.startedInMs / 1000).toFixed(1)} s, ${CONTROLLER_MANAGER ? 'with' : 'without'} its controller manager; Node.js ${process.versions.node}; scale ${SCALE}\n`,
  );
  const table = new FigureTable();
  table.begin();
  for (const [name, measure] of Object.entries(measures)) {
    if (ONLY.length === 0 || ONLY.some((part) => name.includes(part))) await table.take(measure);
  }
  console.log(table.missed.length === 0 ? '\nall as meant' : `\nbeyond what is meant: ${table.missed.join('; ')}`);
} finally {
  await running.stop();
  rmSync(scratch, { recursive: true, force: true });
}

/** All files of the image besides Node.js itself. */
function bundleSize(): Figure {
  const files = readdirSync(image, { recursive: true, encoding: 'utf8' }).map((file) => statSync(join(image, file)));
  const bytes = files.filter((file) => file.isFile()).reduce((sum, { size }) => sum + size, 0);
  return {
    name: 'size of what ships besides Node.js',
    ours: bytes / 1e6,
    unit: 'MB',
    atMost: 3,
    peer: '113 MB of jars and a JVM',
  };
}

/** As the server is sent it. */
function definitionSize(): Figure {
  const bytes = Buffer.byteLength(JSON.stringify(shippedDefinition()));
  return { name: 'size of the resource definition', ours: bytes / 1e3, unit: 'kB', atMost: 60, peer: '544 kB' };
}

/** How soon there is something: the first child of a job, all children of many, the first of a process that was just started. */

import { eventually } from '../../test/builders/eventually.ts';
import type { PassedRequest } from '../../test/faults/api/api-proxy.ts';
import { median, percentile } from '../run-job.ts';
import type { Figure } from './figures.ts';
import type { OperatorProcess } from './operator-process.ts';
import { type Bench, Place } from './place.ts';

const WRITES = ['create', 'update', 'patch', 'apply', 'delete', 'deletecollection'];
/** A leader and a standby, as jobs have that say nothing. */
const PODS_OF_A_JOB = 2;

/** One job at a time; the operator is warm, and has nothing else to do. */
export async function firstChild(bench: Bench, jobs: number): Promise<Figure[]> {
  await using place = await Place.open(bench);
  await place.operator();
  await place.resident();
  const [children, pods]: [number[], number[]] = [[], []];
  const warmUp = 5;
  for (let at = 0; at < warmUp + jobs; at += 1) {
    const name = `one-${at}`;
    const from = place.proxy.requests.length;
    await place.create(name);
    await place.phase(name, 'Running');
    const created = place.proxy.requests
      .slice(from)
      .find((each) => each.verb === 'create' && each.resource === 'flinkjobs');
    const since = created?.answeredAtMs ?? Number.NaN;
    if (at >= warmUp) {
      children.push(firstCreated(place, from) - since);
      pods.push(firstCreated(place, from, 'pods') - since);
    }
    await place.delete(name);
    await place.gone(name);
    await place.quiet(200);
  }
  const name = 'resource created → first child created, one at a time';
  const note = `${jobs} jobs; both ends are answers of the server. Its first pod: p50 ${percentile(pods, 0.5).toFixed(1)} ms, p99 ${percentile(pods, 0.99).toFixed(1)} ms`;
  return [
    { name: `${name}, p50`, ours: percentile(children, 0.5), unit: 'ms', atMost: 15, peer: '138 ms (busy 227)' },
    { name: `${name}, p99`, ours: percentile(children, 0.99), unit: 'ms', atMost: 50, peer: '265 ms (busy 466)', note },
  ];
}

/** All at once. Pods get nowhere: playing them would take more of the machine than making them. */
export async function manyAtOnce(bench: Bench, jobs: number, rounds: number): Promise<Figure[]> {
  const [all, cpu]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    await using place = await Place.open(bench, { pods: false });
    const operator = await place.operator();
    await place.create('warm');
    await place.phase('warm', 'Starting');
    await place.quiet(300);
    const [from, cpuBefore] = [place.proxy.requests.length, operator.cpuSeconds];
    const since = place.proxy.nowMs;
    const names = Array.from({ length: jobs }, (_, at) => `job-${at}`);
    await Promise.all(names.map((name) => place.create(name)));
    const pods = () => created(place, from).filter(({ resource }) => resource === 'pods');
    await eventually(() => pods().length === PODS_OF_A_JOB * jobs, 600_000);
    all.push(Math.max(...created(place, from).map(({ answeredAtMs = 0 }) => answeredAtMs)) - since);
    cpu.push(operator.cpuSeconds - cpuBefore);
  }
  const seconds = median(all) / 1_000;
  const note = `median of ${rounds}; ${(jobs / seconds).toFixed(0)} jobs per second; ${median(cpu).toFixed(1)} s of it on the operator's processor`;
  const name = `${jobs} jobs at once → all children of all jobs`;
  return [{ name, ours: seconds, unit: 's', atMost: (6 * jobs) / 200, peer: '27–32 s of 200 (busy 47)', note }];
}

/** From nothing: a job waits, and an operator is started. */
export async function coldStart(bench: Bench, rounds: number): Promise<Figure[]> {
  const [writes, children, cpu]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < rounds; round += 1) {
    await using place = await Place.open(bench, { pods: false });
    await place.create('waiting');
    const since = place.proxy.nowMs;
    const operator = place.start();
    await eventually(() => created(place).length > 0, 60_000, 1);
    cpu.push(operator.cpuSeconds);
    children.push(firstCreated(place) - since);
    writes.push((firstWrite(place)?.answeredAtMs ?? Number.NaN) - since);
  }
  const note = `median of ${rounds}; the first write is that of the lease`;
  return [
    {
      name: 'cold start: process start → first write',
      ours: median(writes) / 1_000,
      unit: 's',
      atMost: 0.4,
      peer: '2.9 s',
      note,
    },
    {
      name: 'cold start: process start → first child',
      ours: median(children) / 1_000,
      unit: 's',
      atMost: 0.5,
      peer: '4.6 s',
    },
    { name: 'cold start: CPU until then', ours: median(cpu), unit: 's', atMost: 0.6, peer: '8 s' },
  ];
}

/** How soon a standby writes, after the leader was ended. */
export async function failover(bench: Bench, how: 'SIGKILL' | 'SIGTERM', rounds: number): Promise<Figure> {
  const took: number[] = [];
  await using place = await Place.open(bench, { pods: false });
  let leader: OperatorProcess = await place.operator();
  for (let round = 0; round < rounds; round += 1) {
    const proxy = await place.anotherProxy();
    const standby = place.start({}, proxy);
    await standby.says('stands by for the lease');
    await eventually(() => proxy.requests.some(({ verb, resource }) => verb === 'watch' && resource === 'leases'));
    const since = proxy.nowMs;
    leader.signal(how);
    await standby.says('leads');
    const first = proxy.requests.find((each) => place.isOperator(each) && isAcceptedWrite(each));
    took.push((first?.answeredAtMs ?? Number.NaN) - since);
    await leader.ended;
    leader = standby;
  }
  const name = `leader gone → first write of the standby: ${how}`;
  const longest = `${rounds} times; longest ${(Math.max(...took) / 1_000).toFixed(2)} s`;
  return how === 'SIGKILL'
    ? {
        name,
        ours: median(took) / 1_000,
        unit: 's',
        atMost: 15.5,
        peer: '16–17 s',
        note: `${longest}; the lease is 15 s`,
      }
    : { name, ours: median(took) / 1_000, unit: 's', atMost: 0.1, peer: '14–17 s', note: longest };
}

/** What belongs to jobs and was made, in order. */
function created(place: Place, from = 0): PassedRequest[] {
  return place
    .asked(from)
    .filter((each) => each.verb === 'create' && each.resource !== 'events' && isAcceptedWrite(each));
}

/** When the first child was there. */
function firstCreated(place: Place, from = 0, resource?: string): number {
  const all = created(place, from).filter((each) => resource === undefined || each.resource === resource);
  return Math.min(...all.map(({ answeredAtMs = Number.NaN }) => answeredAtMs));
}

function firstWrite(place: Place): PassedRequest | undefined {
  return place.proxy.requests.find((each) => place.isOperator(each) && isAcceptedWrite(each));
}

function isAcceptedWrite({ verb, status = 0 }: PassedRequest): boolean {
  return WRITES.includes(verb) && status >= 200 && status < 300;
}

/** What jobs cost: requests of a life by kind, processor time, memory, and what is asked while nothing happens. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { PassedRequest } from '../../test/faults/api/api-proxy.ts';
import { median } from '../run-job.ts';
import type { Figure } from './figures.ts';
import { live, manyLives, SHORT_STABILITY, STAGES } from './lives.ts';
import { asJavaScript, type OperatorProcess } from './operator-process.ts';
import { type Bench, Place } from './place.ts';

/** Nothing of what a stage leads to comes later than this. */
const SETTLED_MS = 2_500;
const LISTED_CHARACTERS = 3_000;
const AT_MOST = [20, 20, 6, 4] as const;
const PEER = ['31–34', '47', '14–15', '6'] as const;

type Counts = ReadonlyMap<string, number>;

/**
 * Requests of the operator in each stage of a life, events among them; what pods ask is no part of it.
 * @param isListed prints those of one life, one by one
 */
export async function lifeRequests(bench: Bench, lives: number, isListed: boolean): Promise<Figure[]> {
  await using place = await Place.open(bench);
  await place.operator({ args: SHORT_STABILITY });
  await place.resident();
  const counted: PassedRequest[][][] = [];
  for (let at = -1; at < lives; at += 1) {
    const stages: PassedRequest[][] = [];
    let from = place.proxy.requests.length;
    await live(place, `life-${at + 1}`, async () => {
      await place.quiet(SETTLED_MS);
      stages.push(place.asked(from));
      from = place.proxy.requests.length;
    });
    if (at === 0 && isListed) list(stages);
    // The first one opens connections, and finds nothing cached.
    if (at >= 0) counted.push(stages);
  }
  const of = (stage: number): number => median(counted.map((each) => each[stage]?.length ?? 0));
  const whole = median(counted.map((each) => each.flat().length));
  const writes = median(counted.map((each) => each.flat().filter(isStatusWrite).length));
  const varies = new Set(counted.map((each) => each.map((stage) => stage.length).join('/')));
  return [
    {
      name: 'API requests of one life',
      ours: whole,
      unit: '',
      atMost: 50,
      peer: '99–101',
      note: `${lives} lives, in a namespace that has another job: ${[...varies].join(', ')}`,
    },
    { name: '  of them status writes', ours: writes, unit: '', atMost: 9, peer: '42, 28 of them change nothing' },
    ...STAGES.map((stage, at) => {
      const example = counted[0]?.[at] ?? [];
      return {
        name: `  ${stage}`,
        ours: of(at),
        unit: '',
        atMost: AT_MOST[at] ?? 0,
        peer: PEER[at] ?? '',
        note: told(byKind(example)),
      };
    }),
  ];
}

function list(stages: readonly (readonly PassedRequest[])[]): void {
  for (const [at, requests] of stages.entries()) {
    const begun = requests[0]?.receivedAtMs ?? 0;
    console.log(`\n${STAGES[at]}`);
    for (const { receivedAtMs, verb, resource, subresource, name, body, status } of requests) {
      const what = [resource, subresource, name].filter((part) => part !== undefined).join('/');
      console.log(
        `  +${(receivedAtMs - begun).toFixed(0)} ms ${verb} ${what} ${status} ${body.slice(0, LISTED_CHARACTERS)}`,
      );
    }
  }
}

function isStatusWrite({ resource, subresource }: PassedRequest): boolean {
  return resource === 'flinkjobs' && subresource === 'status';
}

function byKind(requests: readonly PassedRequest[]): Counts {
  const counts = new Map<string, number>();
  for (const { verb, resource, subresource, status = 0 } of requests) {
    const refused = status >= 400 ? ` (${status})` : '';
    const kind = `${verb} ${resource}${subresource === undefined ? '' : `/${subresource}`}${refused}`;
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}

function told(counts: Counts): string {
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}

/** Processor time of the operator for lives, some of them at a time. @param profile folder for what Node.js has sampled */
export async function lifeCpu(bench: Bench, lives: number, profile: string | undefined): Promise<Figure[]> {
  await using place = await Place.open(bench);
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const operator = await place.operator({ flags });
  await manyLives(place, 3, 3, 'warm');
  const before = operator.cpuSeconds;
  await manyLives(place, lives, 10, 'life');
  const seconds = operator.cpuSeconds - before;
  const peak = operator.residentBytes / 1e6;
  await operator.stop();
  const note = `${lives} lives, 10 at a time; ${peak.toFixed(0)} MB after them`;
  return [{ name: 'CPU per 100 lives', ours: (seconds * 100) / lives, unit: 's', atMost: 6, peer: '36–39 s', note }];
}

/** What is meant for so many jobs that run, and what the peer needs. */
export interface IdleBounds {
  readonly jobs: number;
  readonly megabytes: number;
  readonly peerMegabytes: string;
  readonly cpuSeconds?: number;
  readonly peerCpu?: string;
}

/** Jobs that run and do not change, or none. */
export async function idle(bench: Bench, bounds: IdleBounds, forMs: number): Promise<Figure[]> {
  const { jobs, megabytes, peerMegabytes, cpuSeconds, peerCpu = '' } = bounds;
  await using place = await Place.open(bench);
  const operator = await place.operator({ args: SHORT_STABILITY });
  const names = Array.from({ length: jobs }, (_, at) => `idle-${at}`);
  await Promise.all(names.map((name) => place.create(name)));
  await Promise.all(names.map((name) => place.phase(name, 'Running')));
  if (jobs > 0) await place.quiet(SETTLED_MS);
  const during = await window(place, operator, forMs);
  const memory = {
    name: `memory: ${jobs === 0 ? 'idle' : `${jobs} jobs`}`,
    ours: operator.residentBytes / 1e6,
    unit: 'MB',
  };
  const minutes = forMs / 60_000;
  const figures: Figure[] = [{ ...memory, atMost: megabytes, peer: peerMegabytes }];
  const cpu = {
    name: `CPU per idle minute, ${jobs} jobs`,
    ours: during.cpuSeconds / minutes,
    unit: 's',
    peer: peerCpu,
  };
  if (jobs === 0 || cpuSeconds === undefined) return [...figures, cpu];
  const perJob = (count: number): number => count / jobs / minutes;
  return [
    ...figures,
    { ...cpu, atMost: cpuSeconds },
    {
      name: `API requests per job and idle minute, ${jobs} jobs`,
      ours: perJob(during.requests.length),
      unit: '',
      atMost: 0,
      peer: '0',
      note: told(byKind(during.requests)),
    },
    {
      name: `REST calls per job and idle minute, ${jobs} jobs`,
      ours: perJob(during.restCalls),
      unit: '',
      atMost: 4,
      peer: '20',
    },
  ];
}

async function window(place: Place, operator: OperatorProcess, forMs: number) {
  const [cpu, from, calls] = [operator.cpuSeconds, place.proxy.requests.length, await place.restCalls()];
  await pause(forMs);
  return {
    cpuSeconds: operator.cpuSeconds - cpu,
    requests: place.asked(from),
    restCalls: (await place.restCalls()) - calls,
  };
}

/** A standby, which copies everything and does nothing, is started where many jobs are. */
export async function manyJobsCopied(bench: Bench, jobs: number): Promise<Figure[]> {
  await using place = await Place.open(bench, { pods: false });
  for (let at = 0; at < jobs; at += 50) {
    const names = Array.from({ length: Math.min(50, jobs - at) }, (_, offset) => `copied-${at + offset}`);
    await Promise.all(names.map((name) => place.create(name)));
  }
  await bench.cluster.call('POST', `/apis/coordination.k8s.io/v1/namespaces/${place.namespace}/leases`, {
    metadata: { name: 'flinkjob-operator' },
    spec: { holderIdentity: 'somebody', leaseDurationSeconds: 3_600, renewTime: microTime() },
  });
  const [file, module] = [join(bench.scratch, 'loop-delay.json'), join(import.meta.dirname, 'loop-delay.ts')];
  const before = [asJavaScript(bench.scratch, module, 'loop-delay.mjs')];
  const begun = performance.now();
  const operator = place.start({ before, environment: { LOOP_DELAY_FILE: file } });
  await operator.says('connects');
  operator.signal('SIGUSR2');
  await operator.says('stands by for the lease');
  const tookMs = performance.now() - begun;
  operator.signal('SIGUSR2');
  await pause(500);
  const { p50, p99, max } = JSON.parse(readFileSync(file, 'utf8')) as Record<'p50' | 'p99' | 'max', number>;
  const memory = operator.residentBytes / 1e6;
  const note = `p50 ${p50.toFixed(1)} ms, longest ${max.toFixed(1)} ms; copied ${(tookMs / 1_000).toFixed(1)} s after its start, ${memory.toFixed(0)} MB`;
  return [{ name: `event-loop delay while ${jobs} jobs are copied, p99`, ours: p99, unit: 'ms', atMost: 20, note }];
}

function microTime(): string {
  return new Date().toISOString().replace('Z', '000Z');
}

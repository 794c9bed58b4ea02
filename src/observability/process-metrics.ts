/** What a process of Node.js costs, under the names that dashboards for Node.js know. Read when asked, and free between. */
import { performance } from 'node:perf_hooks';
import type { Metrics } from '../lib/metrics.ts';

/** What the process is asked for. */
export interface ProcessFacts {
  /** The longest time for which the event loop was blocked since it was last asked. Milliseconds. */
  readonly eventLoopDelayMs: () => number;
  readonly version: string;
}

/** Counts from now on; the result ends it. */
export function processMetrics(metrics: Metrics, { eventLoopDelayMs, version }: ProcessFacts): () => void {
  const counted = (name: string, help: string) => metrics.counter({ name, help });
  const cpu = {
    user: counted('process_cpu_user_seconds_total', 'Time that the processor spent in the code of the process.'),
    system: counted('process_cpu_system_seconds_total', 'Time that the processor spent in the kernel for the process.'),
    all: counted('process_cpu_seconds_total', 'Time that the processor spent for the process.'),
  };
  const gauge = (name: string, help: string) => metrics.gauge({ name, help });
  const memory = {
    rss: gauge('process_resident_memory_bytes', 'Memory of the process.'),
    heapTotal: gauge('nodejs_heap_size_total_bytes', 'Size of the JavaScript heap.'),
    heapUsed: gauge('nodejs_heap_size_used_bytes', 'Used part of the JavaScript heap.'),
    external: gauge('nodejs_external_memory_bytes', 'Memory outside the heap that objects in it hold.'),
  };
  const delay = gauge('nodejs_eventloop_lag_max_seconds', 'Longest block of the event loop since the last reading.');
  const busy = gauge(
    'nodejs_eventloop_utilization',
    'Share of time since the last reading in which the loop was busy.',
  );
  const startedAt = gauge('process_start_time_seconds', 'When the process began, in seconds since 1970.');
  const versions = metrics.gauge({
    name: 'flinkjob_build_info',
    help: 'Versions of FlinkJob and of Node.js.',
    labels: ['version', 'node'],
  });
  let before = { user: 0, system: 0 };
  let loopBefore = performance.eventLoopUtilization();
  return metrics.onRead(() => {
    const now = process.cpuUsage();
    const [user, system] = [(now.user - before.user) / 1e6, (now.system - before.system) / 1e6];
    before = now;
    cpu.user.add({}, user);
    cpu.system.add({}, system);
    cpu.all.add({}, user + system);
    const usage = process.memoryUsage();
    for (const name of ['rss', 'heapTotal', 'heapUsed', 'external'] as const) memory[name].set(usage[name]);
    delay.set(eventLoopDelayMs() / 1000);
    const loopNow = performance.eventLoopUtilization();
    busy.set(performance.eventLoopUtilization(loopNow, loopBefore).utilization);
    loopBefore = loopNow;
    startedAt.set(performance.timeOrigin / 1000);
    versions.set(1, { version, node: process.versions.node });
  });
}

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Test kinds: unit (no I/O), integration (processes, files), conformance (one suite per port), soak (asked for by hand). */
const project = (name: string, include: string[], testTimeout: number, isolate = true) => ({
  extends: true as const,
  test: { name, include, testTimeout, hookTimeout: testTimeout, isolate },
});

export default defineConfig({
  resolve: { conditions: ['flinkjob-source'] },
  ssr: { resolve: { conditions: ['flinkjob-source', 'node', 'import', 'default'] } },
  test: {
    pool: 'forks',
    // Many tests wait for processes and servers: with three files at a time two cores are busy, with two they idle.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    // For the processes that tests start, some hundreds: code compiled once is not compiled again, as with bin/flinkjob.
    env: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.tools/compile-cache') },
    // They start nothing: the first test that asks gets the run's one Kubernetes API server, ZooKeeper server, bundled command.
    globalSetup: ['test/cluster/desk.ts', 'test/command/desk.ts', 'test/zookeeper/desk.ts'],
    projects: [
      // Hundreds of short files share a process, and leave nothing behind in it: to load what they import anew for each takes
      // nearly as long as their tests.
      project(
        'unit',
        ['test/**/*.test.ts', '!test/integration/**', '!test/conformance/**', '!test/soak/**'],
        60_000,
        false,
      ),
      project('integration', ['test/integration/**/*.test.ts'], 300_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 60_000),
      project('soak', ['test/soak/**/*.test.ts'], 24 * 3_600_000),
    ],
  },
});

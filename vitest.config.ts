import { defineConfig } from 'vitest/config';

/** Test kinds: unit (no I/O), integration (processes, files), conformance (one suite per port), soak (asked for by hand). */
const project = (name: string, include: string[], testTimeout: number) => ({
  extends: true as const,
  test: { name, include, testTimeout, hookTimeout: testTimeout },
});

export default defineConfig({
  resolve: { conditions: ['flinkjob-source'] },
  ssr: { resolve: { conditions: ['flinkjob-source', 'node', 'import', 'default'] } },
  test: {
    pool: 'forks',
    // Many tests wait for processes and servers; with a core left over for vitest, as it would have it, two cores are one.
    maxWorkers: '100%',
    // They start nothing: they hand out the run's one Kubernetes API server and ZooKeeper server to the first test that asks.
    globalSetup: ['test/cluster/desk.ts', 'test/zookeeper/desk.ts'],
    projects: [
      project('unit', ['test/**/*.test.ts', '!test/integration/**', '!test/conformance/**', '!test/soak/**'], 60_000),
      project('integration', ['test/integration/**/*.test.ts'], 300_000),
      project('conformance', ['test/conformance/**/*.test.ts'], 60_000),
      project('soak', ['test/soak/**/*.test.ts'], 24 * 3_600_000),
    ],
  },
});

import { expect, test } from 'vitest';
import { MARKER_UIDS } from '../../../src/flink/index.ts';
import { CHECKPOINT, CHECKPOINT_KEY, JOB_MAP, StoredFlinkCluster } from '../../builders/stored-flink-cluster.ts';
import { flinkjob, type Ran } from '../fake-io.ts';

const repair = (stored: StoredFlinkCluster, ...options: string[]): Promise<Ran> =>
  flinkjob(['ha', 'repair', '-f', '-', '--storage', stored.storage, ...options], {
    stdin: JSON.stringify(stored.configMaps),
  });

test('good data has nothing to repair', async () => {
  using stored = new StoredFlinkCluster();
  const { code, stdout, stderr } = await repair(stored, '--dry-run');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: 'cluster live: nothing to repair\n', stderr: '' });
});

test('the plan is a table: what, on which ConfigMap, which key, why', async () => {
  using stored = new StoredFlinkCluster();
  stored.remove(`ha/live/${CHECKPOINT}`);
  const { code, stdout } = await repair(stored, '--dry-run', '--drop-key', CHECKPOINT_KEY);
  expect(code).toBe(0);
  const [title, , header, row, ...more] = stdout.trimEnd().split('\n');
  expect(title).toBe('cluster live: 1 repair planned');
  expect(header).toBe('ACTION\tCONFIGMAP\tKEY\tWHY');
  expect(row).toMatch(new RegExp(`^remove\t${JOB_MAP}\t${CHECKPOINT_KEY}\tfile:.* does not exist: `));
  expect(more).toEqual([]);
});

test('the shape of the JSON is stable', async () => {
  using stored = new StoredFlinkCluster(MARKER_UIDS[0]);
  const { stdout } = await repair(stored, '--dry-run', '--to-flink', '2.3.0', '-o', 'json');
  const why = `serial version ${MARKER_UIDS[0]} becomes ${MARKER_UIDS[1]}`;
  expect(JSON.parse(stdout)).toEqual({
    clusterId: 'live',
    namespace: null,
    applied: false,
    steps: [
      { action: 'rewrite', configMap: 'live-cluster-config-map', key: expect.stringMatching(/^executionPlan-/), why },
      { action: 'rewrite', configMap: JOB_MAP, key: CHECKPOINT_KEY, why },
    ],
    refused: [],
  });
});

test('what is refused is an exit code of 1', async () => {
  using stored = new StoredFlinkCluster();
  const { code, stdout } = await repair(stored, '--dry-run', '--drop-key', CHECKPOINT_KEY);
  expect(code).toBe(1);
  expect(stdout).toContain(`drop ${CHECKPOINT_KEY}\tit can be read, and all of its files are there`);
});

test('a file is only planned for', async () => {
  using stored = new StoredFlinkCluster();
  expect(await repair(stored, '--yes')).toEqual({
    code: 1,
    stdout: '',
    stderr: 'error: a file is not repaired: name the cluster, or add --dry-run to see what would be done\n',
  });
});

test.each(['1.14', '7x', ''])('"%s" is no release whose handles can be written', async (version) => {
  using stored = new StoredFlinkCluster();
  const { code, stderr } = await repair(stored, '--dry-run', '--to-flink', version);
  expect(code).toBe(1);
  expect(stderr).toBe(
    `error: --to-flink ${version}: handles can be rewritten for Flink 1.15 and later, such as 1.18 or 2.3\n`,
  );
});

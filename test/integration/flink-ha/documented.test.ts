/** The commands of docs/ha-data.md, run as it shows them, on data in the state that it tells of. */
import { test as anyTest, expect } from 'vitest';
import { MARKER_UIDS, renderLeaseRecord } from '../../../src/flink/index.ts';
import { kubeconfigFile } from '../../builders/kubeconfig.ts';
import { CHECKPOINT, StoredFlinkCluster } from '../../builders/stored-flink-cluster.ts';
import { flinkjob } from '../../cli/fake-io.ts';
import { clusterForTests } from '../../cluster/index.ts';
import { codeBlocks } from '../../docs/markdown.ts';

const cluster = await clusterForTests();
const test = anyTest.skipIf(cluster === undefined);

/** A command and what it shows. */
interface Shown {
  readonly command: string;
  readonly output: readonly string[];
}

const shown: readonly Shown[] = codeBlocks('docs/ha-data.md')
  .filter(({ language }) => language === 'console')
  .flatMap(({ lines }) => commandsIn(lines));

function commandsIn(lines: readonly string[]): Shown[] {
  const found: { command: string; output: string[] }[] = [];
  for (const line of lines) {
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), output: [] });
    else found.at(-1)?.output.push(line);
  }
  return found;
}

/** Which state each command is shown in. */
const prepare: Record<string, (stored: StoredFlinkCluster) => void> = {
  verify: (stored) => stored.remove(`ha/live/${CHECKPOINT}`),
  'repair --drop-key': (stored) => stored.remove(`ha/live/${CHECKPOINT}`),
};

test('the page shows each of the commands', () => {
  const kinds = new Set(shown.map(({ command }) => command.split(' ')[2]));
  expect(kinds).toEqual(new Set(['inspect', 'verify', 'repair']));
});

test.each(shown.map((each) => [each.command, each.output] as const))('%s', async (command, output) => {
  const [program, , verb = '', ...rest] = command.split(' ');
  expect(program).toBe('flinkjob');
  using stored = new StoredFlinkCluster(rest.includes('--to-flink') ? MARKER_UIDS[0] : undefined);
  prepare[rest.includes('--drop-key') ? `${verb} --drop-key` : verb]?.(stored);
  const namespace = await storedInKubernetes(stored);
  using kubeconfig = kubeconfigFile(cluster!.access, namespace);
  const options = rest.map((option) => (option === 'production' ? namespace : option));
  const storage = verb === 'inspect' ? [] : ['--storage', stored.storage];
  const ran = await flinkjob(['ha', verb, ...options, '--kubeconfig', kubeconfig.path, ...storage]);
  expect(ran.code).toBe(verb === 'verify' ? 1 : 0);
  const lines = ran.stdout.replaceAll(namespace, 'production').split('\n').map(inOneSpace);
  expect(output.filter((line) => !lines.some((each) => isLike(line, each)))).toEqual([]);
});

/** The ConfigMaps under the name that the page uses. */
async function storedInKubernetes(stored: StoredFlinkCluster): Promise<string> {
  stored.leaderAnnotation = renderLeaseRecord({
    holderIdentity: '2c5b1d3e-9a1f-4a52-9d4e-6f1f0a7f0c11',
    leaseDurationMs: 100,
    durationForm: 'iso',
    acquireTime: '2026-11-21T12:00:00.000000Z',
    renewTime: '2026-11-21T12:00:00.000000Z',
    leaderTransitions: 3,
  });
  const namespace = await cluster!.namespace();
  for (const configMap of stored.configMaps) {
    const named = JSON.parse(JSON.stringify(configMap).replace('"live-', '"flights-')) as object;
    await cluster!.call('POST', `/api/v1/namespaces/${namespace}/configmaps`, named);
  }
  return namespace;
}

const inOneSpace = (line: string): string => line.replace(/\s+/g, ' ').trim();

/** An ellipsis stands for anything. */
function isLike(shownLine: string, line: string): boolean {
  const parts = inOneSpace(shownLine)
    .split('…')
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(line);
}

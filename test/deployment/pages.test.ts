/** What docs/install.md and docs/gitops.md show: files that are there, values that are known, expressions that judge rightly. */
import { existsSync, readFileSync } from 'node:fs';
import { Environment } from '@marcbachmann/cel-js';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { codeBlocks, commandsOf } from '../docs/markdown.ts';

const PAGES = ['docs/install.md', 'docs/gitops.md'];
const blocks = PAGES.flatMap(codeBlocks);
const commands = blocks.filter(({ language }) => language === 'sh').flatMap(commandsOf);
// biome-ignore lint/suspicious/noExplicitAny: resources of other projects.
const yamls: any[] = blocks.filter(({ language }) => language === 'yaml').map(({ lines }) => parse(lines.join('\n')));

/** Of whoever reads the page. */
const OF_THE_READER = ['job.yaml', 'deploy/streaming'];

test('files that the commands name are in the checkout, or the reader’s own', () => {
  const named = commands.flatMap((command) =>
    [...command.matchAll(/(?:-f|-k|--patch-file|helm \w+ operator) (\S+)/g)].map(([, path = '']) => path),
  );
  expect(named.length).toBeGreaterThan(8);
  expect(named.filter((path) => !/^-/.test(path) && !existsSync(path) && !OF_THE_READER.includes(path))).toEqual([]);
});

test('the page on installing names every value of the chart, and no other', () => {
  const values = Object.keys(parse(readFileSync('charts/flinkjob-operator/values.yaml', 'utf8')));
  const text = readFileSync('docs/install.md', 'utf8').split('Its values: ')[1]?.split('. A value')[0] ?? '';
  expect([...text.matchAll(/`(\w+)`/g)].map(([, name]) => name).sort()).toEqual(values.sort());
  for (const command of commands)
    for (const [, name = ''] of command.matchAll(/--set '?(\w+)/g)) expect(values).toContain(name);
});

test('the settings of the overlay can be read', () => {
  const overlay = yamls.find(({ configMapGenerator }) => configMapGenerator !== undefined);
  const [literal = ''] = overlay.configMapGenerator[0].literals;
  expect(parse(literal.replace('operator.yaml=', ''))).toEqual({
    jobs: { image: 'registry.example.org/flinkjob:0.1.0' },
  });
});

type State = 'inProgress' | 'failed' | 'current';

/** As Flux evaluates: the first that is true counts. */
function judged(job: object): State | 'inProgress, none is true' {
  const [check] = yamls.find(({ spec }) => spec?.healthCheckExprs !== undefined).spec.healthCheckExprs;
  expect(check).toMatchObject({ apiVersion: 'flinkjob.dev/v1alpha1', kind: 'FlinkJob' });
  const environment = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });
  const states: readonly State[] = ['inProgress', 'failed', 'current'];
  return states.find((state) => environment.evaluate(check[state], job)) ?? 'inProgress, none is true';
}

const aJob = (status: object): object => ({ metadata: { generation: 3n }, status });
const seen = (...conditions: object[]) => aJob({ observedGeneration: 3n, conditions });
const READY = { type: 'Ready', status: 'True' };

test.each([
  ['nothing said', aJob({}), 'inProgress'],
  ['nobody has looked', aJob({ observedGeneration: -1n }), 'inProgress'],
  ['an older generation', aJob({ observedGeneration: 2n, conditions: [READY] }), 'inProgress'],
  ['it goes on', seen({ type: 'Ready', status: 'False' }, { type: 'Reconciling', status: 'True' }), 'inProgress'],
  ['given up', seen({ type: 'Ready', status: 'False' }, { type: 'Stalled', status: 'True' }), 'failed'],
  ['it runs', seen(READY), 'current'],
  ['not ready, and no word why', seen({ type: 'Ready', status: 'False' }), 'inProgress, none is true'],
])('Flux judges by the expressions shown: %s', (_what, job, state) => {
  expect(judged(job)).toBe(state);
});

/** manifests/ is what the real kustomize makes of config/. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as anyTest, expect } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderFolder } from '../../../scripts/manifests/kustomize.ts';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { findProgram, outputOf } from '../../rendering/programs.ts';

const kustomize = await findProgram('kustomize', { build: true, say: (line) => console.log(line) });
if ('missing' in kustomize) console.log(`skipped: ${kustomize.missing}`);
const test = anyTest.skipIf('missing' in kustomize);

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

const objectsIn = (yaml: string): Named[] =>
  parseAllDocuments(yaml)
    .map((document) => document.toJS() as Named)
    .sort((left, right) => nameOf(left).localeCompare(nameOf(right)));
const nameOf = ({ kind, metadata }: Named): string => `${kind}/${metadata.name}`;

test.each([
  ['install.yaml', 'overlays/namespaced'],
  ['install-cluster.yaml', 'overlays/cluster-wide'],
  ['rbac.yaml', 'rbac/namespaced'],
  ['user-roles.yaml', 'user-roles'],
])('manifests/%s is config/%s as kustomize renders it', async (file, folder) => {
  const rendered = objectsIn(await outputOf(kustomize as { path: string }, ['build', `config/${folder}`]));
  expect(rendered.length).toBeGreaterThan(1);
  expect(objectsIn(readFileSync(`manifests/${file}`, 'utf8'))).toEqual(rendered);
});

test('rendering is refused where it would pass something over', () => {
  const folder = aTemporaryDirectory();
  writeFileSync(join(folder, 'kustomization.yaml'), 'namePrefix: mine-\n');
  expect(() => renderFolder(folder)).toThrow(/namePrefix is not understood/);
});

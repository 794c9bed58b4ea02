/** What the renderer of config/ does with what it knows, and that it refuses the rest. That it does as Kustomize: test/integration/deployment. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { renderFolder } from '../../scripts/manifests/kustomize.ts';

/** A folder with a kustomization and files beside it. */
function aFolder(kustomization: object, files: Readonly<Record<string, object | string>> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-kustomize-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [name, content] of Object.entries({ 'kustomization.yaml': kustomization, ...files })) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : stringify(content));
  }
  return folder;
}

const ACCOUNT = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } };
const patchOf = (name: string, operation: object) => ({
  resources: ['a.yaml'],
  patches: [{ target: { kind: 'ServiceAccount', name }, patch: stringify([operation]) }],
});

test('a word that is not understood is refused', () => {
  expect(() => renderFolder(aFolder({ namePrefix: 'x-' }))).toThrow(/namePrefix is not understood/);
});

test('a kind that nobody has given a place in the order of application is refused', () => {
  const folder = aFolder({ resources: ['a.yaml'] }, { 'a.yaml': { ...ACCOUNT, kind: 'Gateway' } });
  expect(() => renderFolder(folder)).toThrow(/Gateway has no place/);
});

test('a patch of what is not there, or that leads nowhere, is refused', () => {
  const files = { 'a.yaml': ACCOUNT };
  const operation = { op: 'add', path: '/spec/x', value: 1 };
  expect(() => renderFolder(aFolder(patchOf('b', operation), files))).toThrow(/no ServiceAccount b to patch/);
  expect(() => renderFolder(aFolder(patchOf('a', operation), files))).toThrow(/\/spec\/x leads nowhere/);
});

test('patches add, replace and remove, in fields and in lists', () => {
  const object = { ...ACCOUNT, secrets: ['one', 'three'], automountServiceAccountToken: true };
  const operations = [
    { op: 'add', path: '/secrets/1', value: 'two' },
    { op: 'add', path: '/secrets/-', value: 'four' },
    { op: 'replace', path: '/metadata/name', value: 'b' },
    { op: 'remove', path: '/automountServiceAccountToken' },
  ];
  const kustomization = {
    resources: ['a.yaml'],
    patches: [{ target: { kind: 'ServiceAccount', name: 'a' }, patch: stringify(operations) }],
  };
  expect(renderFolder(aFolder(kustomization, { 'a.yaml': object }))).toEqual([
    { ...ACCOUNT, metadata: { name: 'b' }, secrets: ['one', 'two', 'three', 'four'] },
  ]);
});

test('a generated ConfigMap is named after its content', () => {
  const rendered = (text: string): string => {
    const kustomization = { configMapGenerator: [{ name: 'settings', files: ['a.txt'] }] };
    return renderFolder(aFolder(kustomization, { 'a.txt': text }))[0]?.metadata.name ?? '';
  };
  expect(rendered('one')).toMatch(/^settings-[a-z0-9]{10}$/);
  expect(rendered('one')).toBe(rendered('one'));
  expect(rendered('one')).not.toBe(rendered('two'));
});

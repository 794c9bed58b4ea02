import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import type { Go } from '../../cluster/go-toolchain.ts';
import { findPrograms, pinnedVersion } from '../../cluster/programs.ts';

/** A `go` that writes what it was asked for to its output; `$out` is that, `$log` counts. */
function aGo(folder: string, script = 'echo built > "$out"'): () => Promise<Go> {
  const command = join(folder, 'go');
  const find = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done';
  writeFileSync(command, `#!/bin/sh\nlog=${join(folder, 'log')}\n${find}\necho x >> $log\n${script}\n`);
  chmodSync(command, 0o755);
  return async () => ({ command, environment: {} });
}

const noGo = async () => ({ missing: 'this machine has no Go' });

function aFolderWith(...names: string[]): string {
  const folder = aTemporaryDirectory();
  for (const name of names) writeFileSync(join(folder, name), '');
  return folder;
}

test('the folder that KUBEBUILDER_ASSETS names comes first', async () => {
  const assets = aFolderWith('etcd', 'kube-apiserver');
  const wanted = ['etcd', 'kube-apiserver'] as const;
  const found = await findPrograms({ tools: aTemporaryDirectory(), assets, wanted, go: noGo });
  expect(found).toMatchObject({ found: true, built: false, paths: { etcd: join(assets, 'etcd') } });
});

test('what is nowhere is built once, and found from then on', async () => {
  const tools = aTemporaryDirectory();
  const facts = { tools, assets: undefined, go: aGo(aTemporaryDirectory()) };
  expect(await findPrograms(facts)).toMatchObject({ found: true, built: true });
  const again = await findPrograms({ ...facts, go: noGo });
  expect(again).toMatchObject({ found: true, built: false });
  expect(readdirSync(tools)).toHaveLength(1);
  expect(readdirSync(tools)[0]).toContain(`kubernetes-${pinnedVersion()}-`);
});

test('what the assets lack is built when it is asked for', async () => {
  const assets = aFolderWith('etcd', 'kube-apiserver');
  const found = await findPrograms({ tools: aTemporaryDirectory(), assets, go: aGo(aTemporaryDirectory()) });
  expect(found.found && found.paths['kube-controller-manager']).toContain('kubernetes-');
  expect(found.found && found.paths.etcd).toBe(join(assets, 'etcd'));
});

test('without programs and without Go the reason says what was looked for', async () => {
  const found = await findPrograms({ tools: aTemporaryDirectory(), assets: undefined, go: noGo });
  expect(found).toEqual({
    found: false,
    reason:
      'KUBEBUILDER_ASSETS names no folder with etcd, kube-apiserver, kube-controller-manager; this machine has no Go',
  });
});

test('a build that fails leaves nothing, and the next one starts afresh', async () => {
  const tools = aTemporaryDirectory();
  const failing = aGo(aTemporaryDirectory(), 'echo half > "$out"; echo no space left >&2; exit 1');
  await expect(findPrograms({ tools, assets: undefined, go: failing })).rejects.toThrow(/no space left/);
  expect(readdirSync(tools)).toEqual([]);
  const found = await findPrograms({ tools, assets: undefined, go: aGo(aTemporaryDirectory()) });
  expect(found.found && readFileSync(found.paths.etcd ?? '', 'utf8')).toBe('built\n');
});

test('what a killed build left is never taken for a program, and its lock is not waited for', async () => {
  const tools = aTemporaryDirectory();
  const [folder = ''] = await (async () => {
    const other = aTemporaryDirectory();
    await findPrograms({ tools: other, assets: undefined, go: aGo(aTemporaryDirectory()) });
    return readdirSync(other);
  })();
  mkdirSync(join(tools, `${folder}.half-1`));
  writeFileSync(join(tools, `${folder}.half-1`, 'etcd'), 'half');
  // No process has such an id.
  writeFileSync(join(tools, `${folder}.lock`), '4194999');
  const found = await findPrograms({ tools, assets: undefined, go: aGo(aTemporaryDirectory()) });
  expect(found.found && readFileSync(found.paths.etcd ?? '', 'utf8')).toBe('built\n');
  expect(existsSync(join(tools, `${folder}.lock`))).toBe(false);
});

test('two that ask at once build once', async () => {
  const tools = aTemporaryDirectory();
  const folder = aTemporaryDirectory();
  const go = aGo(folder, 'sleep 0.2; echo built > "$out"');
  const both = await Promise.all([1, 2].map(() => findPrograms({ tools, assets: undefined, go })));
  expect(both.map((found) => found.found && found.built).sort()).toEqual([false, true]);
  expect(readFileSync(join(folder, 'log'), 'utf8')).toBe('x\n'.repeat(3));
});

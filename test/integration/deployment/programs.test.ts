import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { findProgram, outputOf } from '../../rendering/programs.ts';

/** A `go` that makes a program which says its name. */
function aGo(): { go: () => Promise<{ command: string; environment: Record<string, string> }>; built: () => number } {
  const folder = aTemporaryDirectory();
  const command = join(folder, 'go');
  const find = 'while [ $# -gt 0 ]; do [ "$1" = -o ] && out=$2; shift; done';
  const script = `echo '#!/bin/sh' > "$out"; echo 'echo built' >> "$out"; chmod +x "$out"`;
  writeFileSync(command, `#!/bin/sh\necho x >> ${folder}/log\n${find}\n${script}\n`);
  chmodSync(command, 0o755);
  return {
    go: async () => ({ command, environment: {} }),
    built: () => (readdirSync(folder).includes('log') ? readFileSync(join(folder, 'log'), 'utf8').length / 2 : 0),
  };
}

test('a program of the machine comes first', async () => {
  const searchPath = aTemporaryDirectory();
  writeFileSync(join(searchPath, 'helm'), '');
  const { go, built } = aGo();
  const found = await findProgram('helm', {
    tools: aTemporaryDirectory(),
    searchPath: `/nowhere:${searchPath}`,
    build: true,
    go,
  });
  expect([found, built()]).toEqual([{ path: join(searchPath, 'helm') }, 0]);
});

test('what is nowhere is built once, and found from then on', async () => {
  const { go, built } = aGo();
  const facts = { tools: aTemporaryDirectory(), searchPath: '', build: true, go };
  const found = await findProgram('kustomize', facts);
  expect(await outputOf(found as { path: string }, [])).toBe('built\n');
  expect(await findProgram('kustomize', { ...facts, build: false })).toEqual(found);
  expect(built()).toBe(1);
});

test('what takes long to build is built only when somebody asks for it', async () => {
  const { go, built } = aGo();
  const found = await findProgram('helm', { tools: aTemporaryDirectory(), searchPath: '', build: false, go });
  expect([found, built()]).toEqual([{ missing: 'this machine has no helm; make helm builds it' }, 0]);
});

test('without Go the reason says so', async () => {
  const go = async () => ({ missing: 'no Go is pinned for it' });
  const found = await findProgram('kustomize', { tools: aTemporaryDirectory(), searchPath: '', build: true, go });
  expect(found).toEqual({ missing: 'this machine has no kustomize, and no Go is pinned for it' });
});

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const SOURCES = join(import.meta.dirname, '../../src');
/** What `fetch` is made of, as Node.js names it. */
const CLIENT_BEHIND_FETCH = 'NativeModule internal/deps/undici/undici';

/** What a process has loaded that did no more than this. */
function loadedBy(statement: string): readonly string[] {
  const script = `${statement}; console.log(JSON.stringify(process.moduleLoadList));`;
  const options = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, options, { encoding: 'utf8' }));
}

test('HTTP is there without the client behind fetch, which an import of it would bring', () => {
  const loaded = loadedBy(`await import(${JSON.stringify(join(SOURCES, 'lib/http.ts'))})`);
  expect(loaded).toContain('NativeModule http');
  expect(loaded).not.toContain(CLIENT_BEHIND_FETCH);
  expect(loadedBy("await import('node:http')")).toContain(CLIENT_BEHIND_FETCH);
});

test('nothing of ours imports it by value', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.d)\.ts$/.test(file),
  );
  const importing = files.filter((file) =>
    /^import (?!type )[^;]*from 'node:http';/m.test(readFileSync(join(SOURCES, file), 'utf8')),
  );
  expect(importing).toEqual([]);
});

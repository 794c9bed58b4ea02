/** What the product is made of, as the lock files say: verified, from one registry, and with nothing that runs on installation. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

interface Entry {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly link?: boolean;
  readonly hasInstallScript?: boolean;
}

const packagesIn = (file: string): [string, Entry][] =>
  Object.entries((JSON.parse(readFileSync(file, 'utf8')) as { packages: Record<string, Entry> }).packages).filter(
    ([name]) => name !== '',
  );

describe.each(['package-lock.json', 'tools/node/package-lock.json'])('%s', (file) => {
  const packages = packagesIn(file);

  test('every package has its SHA-512', () => {
    expect(packages.length).toBeGreaterThan(1);
    expect(packages.filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? '')).map(([name]) => name)).toEqual([]);
  });

  test('none comes from elsewhere than a registry', () => {
    const elsewhere = packages.filter(
      ([, { resolved = '', link }]) => link === true || /^(git|http:|file:)/.test(resolved),
    );
    expect(elsewhere.map(([name]) => name)).toEqual([]);
  });
});

test('nothing of the product runs something when it is installed', () => {
  const running = packagesIn('package-lock.json').filter(
    ([, entry]) => entry.hasInstallScript === true && entry.dev !== true && entry.devOptional !== true,
  );
  expect(running.map(([name]) => name)).toEqual([]);
});

test('npm leaves scripts of packages alone wherever this project calls it', () => {
  for (const file of ['scripts/setup.sh', 'Dockerfile']) {
    const calls = readFileSync(file, 'utf8').match(/npm (ci|install)\b.*/g) ?? [];
    expect(calls.length, file).toBeGreaterThan(0);
    expect(
      calls.filter((call) => !call.includes('--ignore-scripts')),
      file,
    ).toEqual([]);
  }
});

test('nothing that is shipped or installed opens a debugger or leaves TLS unverified', () => {
  for (const file of [
    'Dockerfile',
    'manifests/install.yaml',
    'manifests/install-cluster.yaml',
    'config/base/deployment.yaml',
  ])
    expect(readFileSync(file, 'utf8')).not.toMatch(/--inspect|NODE_TLS_REJECT/);
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { NEEDED_NODE, nodeTooOld } from '../../src/lib/node-version.ts';

test.each(['20.20.2', '8.17.0', '23.11.1'])('Node.js %s is too old, and a person is told so in one line', (version) => {
  expect(nodeTooOld(version, '/usr/bin/node')).toBe(
    `flinkjob needs Node.js 24 or newer; /usr/bin/node is ${version}. Install a newer one, or put it first on the PATH.`,
  );
});

test.each(['24.0.0', '24.21.0', '26.0.0-nightly', '100.1.2'])('Node.js %s will do', (version) => {
  expect(nodeTooOld(version, '/usr/bin/node')).toBeUndefined();
});

test('the package asks npm for the same version', () => {
  const { engines } = JSON.parse(readFileSync('package.json', 'utf8')) as { engines: { node: string } };
  expect(engines.node).toBe(`>=${NEEDED_NODE}.0.0`);
});

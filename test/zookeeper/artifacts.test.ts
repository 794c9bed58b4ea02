import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type ArtifactFacts, findArtifacts, verify } from './artifacts.ts';

/** A machine with these files, and nothing else. */
function aMachine(files: Readonly<Record<string, string>> = {}): Required<
  Pick<ArtifactFacts, 'tools' | 'debian' | 'path'>
> & {
  javaHome: string | undefined;
} {
  const root = mkdtempSync(join(tmpdir(), 'flinkjob-artifacts-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), content, { mode: 0o755 });
  }
  return { tools: join(root, 'tools'), debian: join(root, 'debian'), path: join(root, 'bin'), javaHome: undefined };
}

const DEBIAN = Object.fromEntries(
  ['zookeeper', 'zookeeper-jute', 'slf4j-api', 'metrics-core'].map((name) => [`debian/${name}.jar`, '']),
);

test('without Java there is no server, and the reason says so', async () => {
  expect(await findArtifacts(aMachine(DEBIAN))).toEqual({ found: false, reason: expect.stringContaining('no Java') });
});

test("without Debian's package and without Maven there is no server, and the reason names both", async () => {
  expect(await findArtifacts(aMachine({ 'bin/java': '' }))).toEqual({
    found: false,
    reason: expect.stringMatching(/Debian.*Maven/),
  });
});

test("Debian's package is taken where all of it is there", async () => {
  const machine = aMachine({ ...DEBIAN, 'bin/java': '' });
  const found = await findArtifacts(machine);
  expect(found).toMatchObject({ found: true, java: join(machine.path, 'java') });
  expect(found.found && found.classpath.split(delimiter)).toContain(join(machine.debian, 'zookeeper.jar'));
});

test('what Maven brings must be what is pinned; else nothing is kept, and the run fails', async () => {
  const maven = `#!/bin/sh
for arg; do case "$arg" in -DoutputDirectory=*) mkdir -p "\${arg#*=}"; echo evil > "\${arg#*=}/zookeeper-3.9.4.jar";; esac; done
`;
  const machine = aMachine({ 'bin/java': '', 'bin/mvn': maven });
  await expect(findArtifacts(machine)).rejects.toThrow('not what is pinned');
  expect(readdirSync(machine.tools)).toEqual([]);
});

test('a Maven that fails is a failure, with what it said', async () => {
  const machine = aMachine({ 'bin/java': '', 'bin/mvn': '#!/bin/sh\necho no such artifact; exit 1\n' });
  await expect(findArtifacts(machine)).rejects.toThrow('no such artifact');
  expect(readdirSync(machine.tools)).toEqual([]);
});

test('a file that is missing is not what is pinned', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flinkjob-jars-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  expect(() => verify(folder)).toThrow(/zookeeper-3\.9\.4\.jar is missing/);
});

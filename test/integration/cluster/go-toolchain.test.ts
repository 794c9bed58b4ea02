import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { aTemporaryDirectory } from '../../builders/temporary-directory.ts';
import { aZip } from '../../builders/zip.ts';
import { findGo, isNewEnough, moduleChecksum } from '../../cluster/go-toolchain.ts';

const MACHINE = 'linux-amd64';

/** A `go` on this machine that says it has some version. */
function aGoOf(version: string): string {
  const command = join(aTemporaryDirectory(), 'go');
  writeFileSync(command, `#!/bin/sh\necho ${version}\n`);
  chmodSync(command, 0o755);
  return command;
}

/** A module proxy that serves one toolchain, whose `go` says hello. */
async function aModuleProxy(prefix = 'golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64/') {
  const files = [
    { name: `${prefix}VERSION`, data: Buffer.from('go1.26.8') },
    { name: `${prefix}bin/go`, data: Buffer.from('#!/bin/sh\necho hello from the pinned go\n') },
    { name: `${prefix}src/a.go`, data: Buffer.from('package a\n') },
  ];
  const asked: string[] = [];
  const server = createServer((call, answer) => {
    asked.push(call.url ?? '');
    answer.end(aZip(files));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, asked, checksum: moduleChecksum(files) };
}

test('versions from 1.26 on will do', () => {
  expect(['go1.26', 'go1.26.8', 'go1.27rc1', 'go2.0'].map(isNewEnough)).toEqual([true, true, true, true]);
  expect(['go1.25.9', 'go1.9', 'devel', ''].map(isNewEnough)).toEqual([false, false, false, false]);
});

test("the machine's own Go is taken when it is new enough, as it is", async () => {
  const command = aGoOf('go1.26.1');
  const go = await findGo({ tools: aTemporaryDirectory(), candidates: [aGoOf('go1.20'), command], proxies: 'off' });
  expect(go).toEqual({ command, environment: { GOTOOLCHAIN: 'local' } });
});

test.for([[], ['go1.21.3']])(
  'with %j on the machine the pinned Go is fetched once, verified, and runs',
  async (versions) => {
    const tools = aTemporaryDirectory();
    const proxy = await aModuleProxy();
    const facts = {
      tools,
      candidates: versions.map(aGoOf),
      machine: MACHINE,
      proxies: `${proxy.url}/,direct`,
      checksums: { [MACHINE]: proxy.checksum },
    };
    const go = await findGo(facts);
    if ('missing' in go) throw new Error(go.missing);
    expect(execFileSync(go.command, { encoding: 'utf8' })).toBe('hello from the pinned go\n');
    expect(go.environment.GOCACHE).toContain(tools);
    await findGo(facts);
    expect(proxy.asked).toEqual(['/golang.org/toolchain/@v/v0.0.1-go1.26.8.linux-amd64.zip']);
  },
);

test('a toolchain that is not the pinned one is refused, and nothing of it stays', async () => {
  const tools = aTemporaryDirectory();
  const proxy = await aModuleProxy();
  const facts = { tools, candidates: [], machine: MACHINE, proxies: proxy.url, checksums: { [MACHINE]: 'h1:other' } };
  await expect(findGo(facts)).rejects.toThrow(/is pinned; nothing of it was used/);
  expect(readdirSync(tools)).toEqual([]);
});

test('where no Go can be had the reason names what the machine has and what went wrong', async () => {
  const old = { tools: aTemporaryDirectory(), candidates: [aGoOf('go1.19')], machine: MACHINE, proxies: 'off' };
  expect(await findGo(old)).toEqual({
    missing:
      'this machine has go1.19, which is too old, and Kubernetes is built with Go 1.26 or later; ' +
      'fetching golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64 failed: GOPROXY names no module proxy; set it, or install Go',
  });
  const other = { tools: aTemporaryDirectory(), candidates: [], machine: 'plan9-mips', proxies: 'off' };
  expect(await findGo(other)).toMatchObject({
    missing: expect.stringMatching(/no Go is pinned for plan9-mips: install one/),
  });
});

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { runJobProcess } from '../../../src/cli/job-process/job-process.ts';
import type { FromJobProcess } from '../../../src/cli/job-process/messages.ts';
import { checkRestPort } from '../../../src/cli/job-process/rest-port.ts';
import { aJobOrder } from '../../builders/job-order.ts';

const HOST = '127.0.0.1';

async function aTakenPort(): Promise<number> {
  const server = createServer();
  onTestFinished(() => void server.close());
  await once(server.listen(0, HOST), 'listening');
  return (server.address() as AddressInfo).port;
}

test('a port is refused while it is taken, and not afterwards', async () => {
  const port = await aTakenPort();
  await expect(checkRestPort({ host: HOST, port })).rejects.toMatchObject({
    code: 'REST_PORT_UNAVAILABLE',
    message: `--rest-port ${port} cannot be used on ${HOST}: another process listens there. Name another port, or 0 for a free one (EADDRINUSE).`,
  });
  await expect(checkRestPort({ host: HOST, port: 0 })).resolves.toBeUndefined();
});

test('the first process of a job whose port somebody took meanwhile is not restarted', async () => {
  const { order, ledgers } = await aJobOrder({ host: HOST, port: await aTakenPort() });
  const exitCode = await runJobProcess(order, { tell: () => {}, stop: new AbortController().signal });
  expect(exitCode).toBe(13);
  const failure = { code: 'REST_PORT_UNAVAILABLE', cause: expect.stringContaining(`--rest-port ${order.rest.port}`) };
  expect(JSON.parse(readFileSync(order.terminationLog, 'utf8'))).toMatchObject({ outcome: 'invalid', ...failure });
  expect((await ledgers.read())?.ledger.attempts.at(-1)?.reported).toMatchObject({
    suppressRestarts: true,
    ...failure,
  });
});

test('a later process serves on a free port when somebody took the one it was to have, and says so', async () => {
  const port = await aTakenPort();
  const { order } = await aJobOrder({ host: HOST, port, orFree: true });
  const told: FromJobProcess[] = [];
  await runJobProcess(order, { tell: (message) => told.push(message), stop: new AbortController().signal });
  const serving = told.find((message) => message.type === 'serving');
  expect(serving?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(serving?.url).not.toContain(`:${port}`);
  expect(told).toContainEqual({
    type: 'log',
    level: 'warn',
    message: `--rest-port ${port} cannot be used on ${HOST}: another process listens there (EADDRINUSE). A free port is used instead.`,
  });
});

/** A job that answers badly or not at all, fails in bursts, or ends while nobody looks. */
import type { RequestListener } from 'node:http';
import { expect } from 'vitest';
import { JOB_EXIT } from '../../../src/lib/exit-codes.ts';
import { type Play, type Pod, playedJobs } from '../../node-simulator/index.ts';
import { faultTest } from './fault-test.ts';

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Played jobs whose answers can be taken over. */
class Answers {
  by: RequestListener | undefined;
  readonly played: (pod: Pod) => Play | undefined;

  constructor(options: Parameters<typeof playedJobs>[0] = {}) {
    const jobs = playedJobs(options);
    this.played = (pod) => {
      const play = jobs(pod);
      if (play === undefined) return undefined;
      return (place) => {
        const facts = typeof play === 'function' ? play(place) : play;
        return { ...facts, answer: (request, response) => (this.by ?? facts.answer)?.(request, response) };
      };
    };
  }
}

const BAD_ANSWERS: readonly [string, RequestListener][] = [
  ['refuses connections', (request) => request.socket.destroy()],
  ['stalls', () => {}],
  ['fails', (_, response) => response.writeHead(500).end('{"errors":["no"]}')],
  ['answers with a page', (_, response) => response.end('<html><body>busy</body></html>')],
  ['answers without an end', (_, response) => void endless(response)],
  [
    'breaks off',
    (request, response) =>
      response.writeHead(200, { 'content-length': '100000' }).write('{"jobs":[', () => request.socket.destroy()),
  ],
  ['answers with something else', (_, response) => response.end('{"state":7,"vertices":"none"}')],
];

async function endless(response: Parameters<RequestListener>[1]): Promise<void> {
  const megabyte = 'x'.repeat(1_000_000);
  for (let sent = 0; sent < 200 && !response.destroyed; sent++) {
    if (!response.write(megabyte))
      await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  }
  response.end();
}

const answers = new Answers();

faultTest(
  'whatever a job answers, it is not restarted for it, and is well again when it speaks',
  async (world) => {
    await world.apply();
    await world.runs(1);
    for (const [, answer] of BAD_ANSWERS) {
      answers.by = answer;
      const before = process.memoryUsage.rss();
      await pause(700);
      expect(await world.status()).toMatchObject({ phase: 'Running', attempt: { number: 1 }, restarts: { count: 0 } });
      expect(process.memoryUsage.rss() - before).toBeLessThan(150e6);
    }
    answers.by = undefined;
    await world.until(
      'heard of',
      ({ conditions = [] }) => !conditions.some(({ type, status }) => type === 'Observed' && status !== 'True'),
    );
    expect((await world.ledger()).attempts).toHaveLength(1);
    expect(world.requests.filter(({ verb, resource }) => verb === 'create' && resource === 'pods')).toHaveLength(1);
  },
  { played: answers.played, settings: { restPollMs: 200, restTimeoutMs: 400 } },
);

faultTest(
  'a job whose leader dies while its savepoint is taken is upgraded from what is complete, or waits where it may not',
  async (world) => {
    await world.apply({ upgrade: { mode: 'Savepoint', fallback: false } });
    await world.runs(1);
    await world.apply({ args: ['second'] });
    await world.when('a stop under way', async () => (await world.ledger()).attempts?.at(-1)?.stopping !== undefined);
    await pause(150);
    (await world.simulator.pod('counts-1-0')).kill();
    await world.runs(3).catch(() => world.runs(2));
    const { attempts = [] } = await world.ledger();
    // Not the crash, but a savepoint that was confirmed, let the next revision in.
    const changed = attempts.findIndex(({ revision }, at) => at > 0 && revision !== attempts[at - 1]?.revision);
    expect(attempts[changed - 1]?.end).toMatchObject({ how: 'replaced', cause: expect.stringContaining('savepoint') });
  },
  { played: playedJobs({ savepointMs: 500 }) },
);

faultTest('a job that finished while no operator was there is not started again', async (world) => {
  await world.apply();
  await world.runs(1);
  await world.stopOperators();
  const pod = await world.simulator.pod('counts-1-0');
  const record = { exitCode: 0, attempt: 1, epoch: 1, outcome: 'finished' };
  pod.end({ exitCode: JOB_EXIT.finished, message: JSON.stringify(record) });
  await pod.until(({ hasEnded }) => hasEnded);
  await world.startOperator();
  await world.until('Succeeded', ({ phase }) => phase === 'Succeeded');
  await world.rests();
  expect((await world.ledger()).attempts).toHaveLength(1);
});

faultTest(
  'a job whose leader is killed again and again runs when that ends, and each kill counts once',
  async (world) => {
    const kills = 5;
    await world.apply({ restart: { fixedDelay: { attempts: 100, delay: '50ms' } } });
    await world.until('Running', ({ phase }) => phase === 'Running');
    for (let attempt = 1; attempt <= kills; attempt++) {
      const pod = await world.simulator.pod(`counts-${attempt}-0`);
      await world.until('its leader', ({ attempt: now, phase }) => now?.number === attempt && phase === 'Running');
      pod.kill();
    }
    const status = await world.runs(kills + 1);
    expect(status.restarts?.count).toBe(kills);
  },
);
